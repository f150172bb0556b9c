//! One sitting: a pure state machine and the runner that carries its effects out.

pub mod feedback;
pub mod session;
