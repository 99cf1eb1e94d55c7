//! A model as users see it: its card, its weights, the registry.
