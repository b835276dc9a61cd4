//! What the bytes mean: headers, address layout, re-heading both ways, drop reasons
pub mod packet;
