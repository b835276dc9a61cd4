//! Agents and a manager together, over a perfect network: who does what, when, and in which order.

mod copies;
mod evidence;
mod loss;
mod moves;
mod restart;
mod start;
mod table;
mod world;
