//! The HTTP service: router, one file a route, errors, limits, shutdown.
