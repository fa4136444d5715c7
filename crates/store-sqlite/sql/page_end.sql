-- Gives back the pages that this connection keeps in memory.
pragma shrink_memory
