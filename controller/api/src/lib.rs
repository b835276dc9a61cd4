//! What an operator may ask a host: requests and answers of the local API
