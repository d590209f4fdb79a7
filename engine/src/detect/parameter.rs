//! What can be set of a detector: each value with its name, unit, range, default and the source of that.
//!
//! A detector's parameters are a struct of `f64`s that [`parameters!`](crate::parameters) makes together with its table; a
//! configuration file reads and prints by the table alone. Times are whole ns, far below 2^53.

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// A proportion.
    Ratio,
    /// ns; a configuration writes `50ms`.
    Time,
    /// Currency units.
    Money,
    /// Basis points, 1/10,000.
    BasisPoints,
    /// Shares.
    Shares,
    /// 0 to 100.
    Score,
    /// 0 or 1; a configuration writes `true`.
    Flag,
}

/// One value that can be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, which with the detector's makes the key `detect.NAME.PARAMETER`.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What holds if nothing is set.
    pub default: f64,
    /// The least it may be.
    pub min: f64,
    /// The most.
    pub max: f64,
    /// What it means.
    pub about: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
}

/// A struct of parameters with its table.
pub trait Parameters: Copy + Default {
    /// In the order of the fields.
    const TABLE: &'static [Parameter];

    /// A value by its name.
    fn value_mut(&mut self, name: &str) -> Option<&mut f64>;

    /// A value by its name.
    fn value(&self, name: &str) -> Option<f64> {
        let mut copy = *self;
        copy.value_mut(name).copied()
    }
}

/// Makes a struct of parameters: `NAME { field: Unit = default, min..max, "what it means", "source"; … }`.
#[macro_export]
macro_rules! parameters {
    ($(#[$about:meta])* $name:ident {
        $($field:ident: $unit:ident = $default:literal, $min:literal .. $max:literal, $text:literal, $source:literal;)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $(#[doc = $text] pub $field: f64,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default as f64,)* }
            }
        }

        impl $crate::detect::parameter::Parameters for $name {
            const TABLE: &'static [$crate::detect::parameter::Parameter] = &[
                $($crate::detect::parameter::Parameter {
                    name: stringify!($field),
                    unit: $crate::detect::parameter::Unit::$unit,
                    default: $default as f64,
                    min: $min as f64,
                    max: $max as f64,
                    about: $text,
                    source: $source,
                },)*
            ];

            fn value_mut(&mut self, name: &str) -> Option<&mut f64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

crate::parameters! {
    /// What every detector has besides its own.
    Arming {
        enabled: Flag = 1, 0..1, "Whether it looks at all.", "";
        min_score: Score = 50, 0..100, "Alerts open from this score on; 50 is at the detector's thresholds.", "definition of the score";
        cool_down: Time = 1e9, 1_000_000..36e11, "An alert ends when nothing has held it up for so long; what follows within is the same alert.", "convention: one misbehaviour, one alert";
    }
}

/// What arms and parameters of one detector are together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Armed<D> {
    /// What every detector has.
    pub arming: Arming,
    /// Its own parameters.
    pub own: D,
}
