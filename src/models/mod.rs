//! Recognition models: catalogue, fetching, conversion, import.
