//! Turns a URL into a store or a broker.
