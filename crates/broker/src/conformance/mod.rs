//! The suite that holds every driver to the promises of [`Broker`](crate::Broker).
