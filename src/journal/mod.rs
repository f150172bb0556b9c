//! What is kept: SQLite beside the recordings, and recovery after a crash.
