//! What happens to a packet: stages over a burst, generic over burst input and output
