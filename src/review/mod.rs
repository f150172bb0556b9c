//! Reading kept sessions back.
