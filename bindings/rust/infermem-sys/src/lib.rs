//! The C interface of infermem: every constant, struct and function of its headers.
//!
//! The declarations are written from the headers, whose comments they carry. What a function may be given, which errors
//! it returns and which threads may call it, is said there; nothing is checked here. The crate `infermem` is the safe
//! layer over this one.
//!
//! Where the library is taken from is told in this crate's README.
#![doc = include_str!("../README.md")]
#![allow(non_camel_case_types)]

#[rustfmt::skip]
mod bindings;

pub use bindings::*;
