//! What many types here are made by: handles, flags, choices, and plain structs that mirror the library's.

use std::os::raw::c_char;

/// A type of the library's as one of ours.
pub(crate) trait FromRaw<R> {
    fn from_raw(raw: R) -> Self;
}

/// And back.
pub(crate) trait ToRaw<R> {
    fn to_raw(&self) -> R;
}

macro_rules! same {
    ($($name:ty),*) => { $(
        impl FromRaw<$name> for $name {
            fn from_raw(raw: $name) -> Self { raw }
        }
        impl ToRaw<$name> for $name {
            fn to_raw(&self) -> $name { *self }
        }
    )* };
}
same!(i32, u32, u64, usize, f32, f64);

impl FromRaw<u32> for bool {
    fn from_raw(raw: u32) -> Self {
        raw != 0
    }
}

impl ToRaw<u32> for bool {
    fn to_raw(&self) -> u32 {
        u32::from(*self)
    }
}

impl<const N: usize> FromRaw<[c_char; N]> for String {
    fn from_raw(raw: [c_char; N]) -> Self {
        let bytes: Vec<u8> = raw.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl<const N: usize> ToRaw<[c_char; N]> for String {
    /// Of a text that is too long there is no NUL left at the end, which the library refuses.
    fn to_raw(&self) -> [c_char; N] {
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(self.bytes()) {
            *to = from as c_char;
        }
        out
    }
}

/// A handle that is freed with its object. The functions that take it without const take `&mut self`, the others may be
/// called from many threads at once: so it is Send and Sync.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident $(<$life:lifetime>)?, $raw:ident, $free:ident) => {
        $(#[$doc])*
        pub struct $name $(<$life>)? {
            raw: std::ptr::NonNull<sys::$raw>,
            $(place: std::marker::PhantomData<&$life ()>,)?
        }

        // As said above; nothing in the library belongs to the thread that made it.
        unsafe impl $(<$life>)? Send for $name $(<$life>)? {}
        unsafe impl $(<$life>)? Sync for $name $(<$life>)? {}

        impl $(<$life>)? $name $(<$life>)? {
            /// Takes over the handle that the call makes.
            #[allow(dead_code)]
            pub(crate) fn made(call: impl FnOnce(*mut *mut sys::$raw) -> i32) -> crate::Result<Self> {
                Ok(Self {
                    raw: crate::error::made(call)?,
                    $(place: std::marker::PhantomData::<&$life ()>,)?
                })
            }

            /// The library's handle, which stays this object's, for calls of `infermem-sys`.
            #[inline]
            pub fn as_ptr(&self) -> *mut sys::$raw {
                self.raw.as_ptr()
            }
        }

        impl $(<$life>)? Drop for $name $(<$life>)? {
            fn drop(&mut self) {
                // Freed once, and what it borrowed is still there.
                unsafe { sys::$free(self.raw.as_ptr()) }
            }
        }
    };
}

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $flag:ident = $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(u32);

        impl $name {
            $($(#[$about])* pub const $flag: Self = Self(sys::$value);)*

            /// The library's number.
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// Of the library's number.
            pub const fn from_bits(bits: u32) -> Self {
                Self(bits)
            }

            /// Whether all the flags of another set are in this one.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl std::ops::BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl std::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl crate::macros::FromRaw<u32> for $name {
            fn from_raw(raw: u32) -> Self {
                Self(raw)
            }
        }

        impl crate::macros::ToRaw<u32> for $name {
            fn to_raw(&self) -> u32 {
                self.0
            }
        }
    };
}

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$about:meta])* $variant:ident = $value:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)*
            /// A number that this release of the crate has no name for.
            Other($repr),
        }

        impl $name {
            /// All that have a name here.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Of the library's number.
            pub fn from_number(number: $repr) -> Self {
                $(if number == sys::$value as $repr {
                    return Self::$variant;
                })*
                Self::Other(number)
            }

            /// The library's number.
            pub fn number(self) -> $repr {
                match self {
                    $(Self::$variant => sys::$value as $repr,)*
                    Self::Other(number) => number,
                }
            }
        }

        impl Default for $name {
            /// What 0 means.
            fn default() -> Self {
                Self::from_number(0)
            }
        }

        impl crate::macros::FromRaw<$repr> for $name {
            fn from_raw(raw: $repr) -> Self {
                Self::from_number(raw)
            }
        }

        impl crate::macros::ToRaw<$repr> for $name {
            fn to_raw(&self) -> $repr {
                self.number()
            }
        }
    };
}

/// A struct with the fields of one of the library's, filled from that.
macro_rules! told {
    ($(#[$doc:meta])* $name:ident, $raw:ident { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl From<sys::$raw> for $name {
            fn from(raw: sys::$raw) -> Self {
                Self { $($field: crate::macros::FromRaw::from_raw(raw.$field),)* }
            }
        }
    };
}

/// A struct with the fields of one of the library's, which that is filled from.
macro_rules! asked {
    ($(#[$doc:meta])* $name:ident, $raw:ident { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $type,)*
        }

        impl $name {
            pub(crate) fn to_c(&self) -> sys::$raw {
                sys::$raw {
                    $($field: crate::macros::ToRaw::to_raw(&self.$field),)*
                    ..sys::$raw::default()
                }
            }
        }
    };
}

/// Both.
macro_rules! exchanged {
    ($(#[$doc:meta])* $name:ident, $raw:ident { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        asked!($(#[$doc])* $name, $raw { $($(#[$about])* pub $field: $type,)* });

        impl From<sys::$raw> for $name {
            fn from(raw: sys::$raw) -> Self {
                Self { $($field: crate::macros::FromRaw::from_raw(raw.$field),)* }
            }
        }
    };
}
