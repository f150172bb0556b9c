//! Plain lines for people: renders what the session says, sends what they type.
