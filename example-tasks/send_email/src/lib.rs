//! Sends an e-mail through the host's mail capability.
