//! From flags and environment to where everything is.

use std::env;
use std::path::PathBuf;

use clap::Args;
use etcetera::BaseStrategy as _;

use super::Failure;

/// Options that every command takes.
#[derive(Debug, Args)]
#[group(skip)] // clap names a group after its type, and the program's arguments have the same name
pub struct Arguments {
    /// Where sessions, recordings, models and your own loops are kept [env: VIVA_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Where recognition models are kept [env: VIVA_MODELS_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    models_dir: Option<PathBuf>,

    /// A folder of loop files to use beside the built-in ones [env: VIVA_LOOPS_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    loops: Option<PathBuf>,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The journal and the recordings.
    pub data_dir: PathBuf,
    /// Recognition models.
    pub models_dir: PathBuf,
    /// The user's own loop files, and whether the user named the folder (then it must exist).
    pub loops_dir: (PathBuf, bool),
}

impl Settings {
    /// Fills in the defaults: `viva` in the XDG data folder, `models` and `loops` in that.
    pub(super) fn resolve(arguments: Arguments) -> Result<Self, Failure> {
        // Read here, since clap's usage lines would show an option that the environment sets as required.
        let or_environment = |named: Option<PathBuf>, variable: &str| {
            named.or_else(|| env::var_os(variable).filter(|dir| !dir.is_empty()).map(PathBuf::from))
        };
        let data_dir = match or_environment(arguments.data_dir, "VIVA_DATA_DIR") {
            Some(dir) => dir,
            None => etcetera::choose_base_strategy()
                .map_err(|_| {
                    Failure::Mendable(
                        "there is no home folder; say where to keep things with `--data-dir DIR`".into(),
                    )
                })?
                .data_dir()
                .join("viva"),
        };
        Ok(Self {
            models_dir: or_environment(arguments.models_dir, "VIVA_MODELS_DIR")
                .unwrap_or_else(|| data_dir.join("models")),
            loops_dir: match or_environment(arguments.loops, "VIVA_LOOPS_DIR") {
                Some(dir) => (dir, true),
                None => (data_dir.join("loops"), false),
            },
            data_dir,
        })
    }
}
