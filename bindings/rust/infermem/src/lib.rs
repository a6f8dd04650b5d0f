#![doc = include_str!("../README.md")]
#![warn(missing_docs)]
#![warn(missing_debug_implementations)]
#![deny(unsafe_op_in_unsafe_fn)]

pub use infermem_sys as sys;

#[macro_use]
mod macros;
mod config;
mod device;
mod dispatch;
mod dtype;
mod error;
mod io;
mod kv;
mod layout;
mod log;
mod meta;
mod model;
mod neuron;
mod pad;
mod plan;
mod quant;
mod scratch;
pub mod simd;
mod store;
mod tape;
mod view;

pub use config::*;
pub use device::*;
pub use dispatch::*;
pub use dtype::DType;
pub use error::{Code, Error, Result};
pub use kv::*;
pub use layout::*;
pub use log::{set_log, LogLevel};
pub use meta::*;
pub use model::*;
pub use neuron::*;
pub use pad::*;
pub use plan::*;
pub use quant::*;
pub use scratch::*;
pub use store::*;
pub use tape::*;
pub use view::*;

/// The library's version at run time: 0.1.0 is 0x000100.
pub fn version() -> u32 {
    // A constant of the library's.
    unsafe { sys::infermem_version() }
}

/// The same as text, "0.1.0".
pub fn version_text() -> &'static str {
    // Static.
    unsafe { error::fixed(sys::infermem_version_string()) }
}
