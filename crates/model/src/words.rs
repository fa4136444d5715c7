//! Enumerations that are one word each, the same in SQL, JSON, on the wire and on the terminal.

/// Defines such an enumeration.
macro_rules! words {
    ($(#[$doc:meta])* $type:ident, $field:literal, { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $($(#[$vdoc])* $variant),+ }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it, the same in SQL, JSON and on the terminal.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Invalid;

            fn from_str(word: &str) -> Result<Self, $crate::error::Invalid> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => {
                        let known = [$($word),+].join(", ");
                        Err($crate::error::Invalid::new($field, format!("{word:?} is none of {known}")))
                    }
                }
            }
        }
    };
}

pub(crate) use words;
