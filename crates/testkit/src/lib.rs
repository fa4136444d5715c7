//! Used only by tests: private servers, scripted parts, waiting without sleeping.
