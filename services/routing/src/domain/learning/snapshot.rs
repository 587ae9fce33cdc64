//! A model as bytes: versioned, and the same bytes for the same model.
//!
//! Little-endian throughout; a text is its length as `u32` and UTF-8. Rows stand in the order of
//! their keys, two bytes a weight, see [`Packed`].

use lotse_clock::Timestamp;

use super::model::Model;
use super::rows::{Packed, Row, Rows};
use super::settings::Settings;

/// What the bytes begin with; the last one is the version of the form.
const MAGIC: [u8; 5] = *b"LRNM\x01";

/// Why bytes are not a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Something else, or a form that this version does not read: fit anew.
    #[error("not a model in this form")]
    Form,
    /// The bytes end early, go on behind the end, or contradict themselves.
    #[error("the model is cut off or damaged")]
    Damaged,
}

impl Model {
    /// The model as bytes, for [`Self::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self {
            settings,
            fitted_at,
            examples,
            groups,
            rows,
            temperature,
        } = self;
        let mut out = Writer(MAGIC.to_vec());
        out.settings(settings);
        out.0.extend(fitted_at.as_millis().to_le_bytes());
        out.0.extend(examples.to_le_bytes());
        out.0.extend(temperature.to_le_bytes());
        out.texts(groups);
        out.count(rows.0.len());
        let mut sorted: Vec<_> = rows.0.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| **key);
        for (key, row) in sorted {
            out.0.extend(key.to_le_bytes());
            out.0.extend(row.effort.to_le_bytes());
            let packed = row.packed();
            out.0.extend(packed.exponent.to_le_bytes());
            out.count(packed.units.len());
            packed
                .units
                .iter()
                .for_each(|units| out.0.extend(units.to_le_bytes()));
        }
        out.0
    }

    /// The model that [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are of another form or version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(Unreadable::Form)?;
        let mut from = Reader(rest);
        let settings = from.settings()?;
        let fitted_at = Timestamp::from_millis(i64::from_le_bytes(from.take()?));
        let examples = u64::from_le_bytes(from.take()?);
        let temperature = f64::from_le_bytes(from.take()?);
        let groups = from.texts()?;
        let mut rows = Rows::default();
        for _ in 0..from.count()? {
            let key = u64::from_le_bytes(from.take()?);
            let effort = f32::from_le_bytes(from.take()?);
            let exponent = i8::from_le_bytes(from.take()?);
            let width = from.count()?;
            if width > groups.len() {
                return Err(Unreadable::Damaged);
            }
            let units = (0..width).map(|_| Ok(i16::from_le_bytes(from.take()?)));
            let units = units.collect::<Result<_, _>>()?;
            rows.0
                .insert(key, Row::unpacked(&Packed { exponent, units }, effort));
        }
        if !from.0.is_empty() {
            return Err(Unreadable::Damaged);
        }
        Ok(Self {
            settings,
            fitted_at,
            examples,
            groups,
            rows,
            temperature,
        })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, count: usize) {
        // invariant: groups, features and texts are counted in thousands.
        let count = u32::try_from(count).expect("fewer than four thousand million");
        self.0.extend(count.to_le_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.count(texts.len());
        for text in texts {
            self.count(text.len());
            self.0.extend(text.as_bytes());
        }
    }

    fn settings(&mut self, settings: &Settings) {
        let Settings {
            crosses,
            half_life_days,
            open_weight,
            l2,
            step,
            epochs,
            held_out,
        } = settings;
        self.count(crosses.len());
        crosses.iter().for_each(|names| self.texts(names));
        for number in [half_life_days, open_weight, l2, step, held_out] {
            self.0.extend(number.to_le_bytes());
        }
        self.0.extend(epochs.to_le_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn count(&mut self) -> Result<usize, Unreadable> {
        usize::try_from(u32::from_le_bytes(self.take()?)).map_err(|_| Unreadable::Damaged)
    }

    fn number(&mut self) -> Result<f64, Unreadable> {
        Ok(f64::from_le_bytes(self.take()?))
    }

    fn texts(&mut self) -> Result<Vec<String>, Unreadable> {
        let count = self.count()?;
        (0..count).map(|_| self.text()).collect()
    }

    fn text(&mut self) -> Result<String, Unreadable> {
        let length = self.count()?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Damaged)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| Unreadable::Damaged)
    }

    fn settings(&mut self) -> Result<Settings, Unreadable> {
        let count = self.count()?;
        let crosses = (0..count).map(|_| self.texts()).collect::<Result<_, _>>()?;
        Ok(Settings {
            crosses,
            half_life_days: self.number()?,
            open_weight: self.number()?,
            l2: self.number()?,
            step: self.number()?,
            held_out: self.number()?,
            epochs: u32::from_le_bytes(self.take()?),
        })
    }
}
