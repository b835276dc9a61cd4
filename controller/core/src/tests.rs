//! Agents and a manager together, over a perfect network: who does what, when, and in which order.

mod loss;
mod moves;
mod restart;
mod start;
mod world;
