//! Slips that the simulator plants, one at a time, in the very code that the daemon runs, to prove
//! that it would find them.
//!
//! They exist with the feature `planted` of their crate only. Without it `is_on` is `false` when the
//! code is compiled, and nothing of them is left.

/// Declares the slips of a crate, and the switch that chooses one of them for the calling thread.
///
/// The crate has a feature `planted`. With it there is `plant`; without it `is_on` is always
/// `false`.
#[macro_export]
macro_rules! slips {
    ($(#[$about:meta])* pub enum Slip { $($(#[$says:meta])* $slip:ident,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Slip {
            $($(#[$says])* $slip,)+
        }

        impl Slip {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$slip),+];
        }

        // Of the thread: seeds run beside one another.
        #[cfg(feature = "planted")]
        ::std::thread_local! {
            static PLANTED: ::std::cell::Cell<Option<Slip>> = const { ::std::cell::Cell::new(None) };
        }

        /// Switches this slip on for the calling thread, and every other one off.
        #[cfg(feature = "planted")]
        pub fn plant(slip: Option<Slip>) {
            PLANTED.set(slip);
        }

        /// Whether this slip is switched on.
        #[cfg(feature = "planted")]
        #[must_use]
        pub fn is_on(slip: Slip) -> bool {
            PLANTED.get() == Some(slip)
        }

        /// Whether this slip is switched on: never.
        #[cfg(not(feature = "planted"))]
        #[inline(always)]
        #[must_use]
        pub const fn is_on(_slip: Slip) -> bool {
            false
        }
    };
}

slips! {
    /// A slip in what is read from octets.
    pub enum Slip {
        /// An epoch's term is read as 0.
        TermForgotten,
        /// The times of an acknowledgement are exchanged.
        EchoExchanged,
        /// The last bit of a group's network is lost.
        NetworkCut,
    }
}
