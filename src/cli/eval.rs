//! `viva eval`: measure the judgement on answers with known verdicts.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Settings, loops, review, score};
use crate::audio::{Pace, WavSource};
use crate::evaluation::{self, Bin, Confusion, Content, Evaluation, Figures};
use crate::models;
use crate::transcript::Transcript;
use crate::ui::page::{clip, counted};

/// Tables are no wider than so many characters.
const WIDTH: usize = 80;

/// So many pairs of points are shown at most.
const CONFUSIONS_SHOWN: usize = 10;

/// Arguments of `viva eval`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Answers with known verdicts, one JSON object a line (docs/corpus.md); `-` for standard input
    #[arg(value_name = "CORPUS.jsonl")]
    corpus: PathBuf,

    /// Judge the recordings `ID.wav` of this folder instead of the texts; answers without one are left out
    #[arg(long, value_name = "DIR")]
    spoken: Option<PathBuf>,

    /// The recognition model, for recordings
    #[arg(long, value_name = "NAME", default_value = models::DEFAULT)]
    model: String,

    /// Print one JSON object with every decision
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: Arguments, settings: &Settings) -> Result<(), Failure> {
    let library = loops::library(settings)?;
    let name = arguments.corpus.display();
    let corpus = read(&arguments.corpus)?;
    let answers =
        evaluation::read(&corpus, &library).map_err(|error| Failure::Mendable(format!("{name}:{error}")))?;
    if answers.is_empty() {
        return Err(Failure::Mendable(format!("`{name}` has no answers; docs/corpus.md has the format")));
    }
    let reader = super::reader(settings, answers.iter().map(|answer| &answer.question));
    let mut worker = None;
    let mut decisions = Vec::new();
    for answer in &answers {
        let recording = match (&arguments.spoken, &answer.content) {
            (Some(folder), _) => folder.join(format!("{}.wav", answer.id)),
            (None, Content::Audio(path)) => arguments.corpus.parent().unwrap_or(Path::new("")).join(path),
            (None, Content::Text(text)) => {
                decisions.extend(answer.decide(&Transcript::typed(text), &reader));
                continue;
            }
        };
        if arguments.spoken.is_some() && !recording.exists() {
            continue;
        }
        let source = WavSource::open(&recording, Pace::Fast).map_err(|error| Failure::mendable(&error))?;
        let worker = score::started(&mut worker, &arguments.model, settings)?;
        let (_, transcript) = score::hear(worker, source, &recording)?;
        decisions.extend(answer.decide(&transcript, &reader));
    }
    if decisions.is_empty() {
        return Err(Failure::Mendable(
            "none of the answers has a recording there; they are called by the answers' ids: `ID.wav`".into(),
        ));
    }
    let evaluation = Evaluation::of(decisions);
    let mut out = io::stdout().lock();
    if arguments.json {
        review::print_json(&mut out, &evaluation)?;
    } else {
        print(&mut out, &evaluation)?;
    }
    Ok(out.flush()?)
}

fn read(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map_err(|error| {
            Failure::Mendable(format!("cannot read standard input: {error}; it must be JSON lines in UTF-8"))
        })?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|error| {
        Failure::Mendable(format!("cannot read `{}`: {error}; check the path", path.display()))
    })
}

fn print(out: &mut impl io::Write, evaluation: &Evaluation) -> io::Result<()> {
    let width = evaluation.styles.keys().map(String::len).chain([10]).max().unwrap_or(10);
    writeln!(out, "{:<width$}     F1    95% interval  precision  recall  decisions", "")?;
    let row = |out: &mut dyn io::Write, name: &str, figures: &Figures| {
        let Figures { precision, recall, f1, f1_interval: [low, high], decisions } = figures;
        let interval = format!("{low:.3} to {high:.3}");
        writeln!(
            out,
            "{name:<width$}  {f1:>5.3}  {interval}  {precision:>9.3}  {recall:>6.3}  {decisions:>9}"
        )
    };
    for (style, figures) in &evaluation.styles {
        row(out, style, figures)?;
    }
    row(out, "overall", &evaluation.overall)?;
    writeln!(out, "\n95% interval: where F1 would lie 19 times in 20, were other answers collected")?;
    writeln!(out, "traps credited: {} of {}", evaluation.traps.credited, evaluation.traps.decisions)?;
    writeln!(out, "Brier score of the probabilities: {:.3}\n", evaluation.brier)?;
    writeln!(out, "baselines")?;
    for (name, figures) in &evaluation.baselines {
        row(out, name, figures)?;
    }
    print_calibration(out, evaluation)?;
    print_confusions(out, &evaluation.confusions)
}

fn print_calibration(out: &mut impl io::Write, evaluation: &Evaluation) -> io::Result<()> {
    let calibration = &evaluation.calibration;
    writeln!(out, "\ncalibration: off by {:.3} on average", calibration.expected_error)?;
    writeln!(out, "probability   mean  covered  decisions")?;
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.3}"));
    for Bin { from, to, predicted, covered, decisions } in &calibration.bins {
        let (predicted, covered) = (share(*predicted), share(*covered));
        writeln!(out, "{from:.1} to {to:.1}   {predicted:>5}  {covered:>7}  {decisions:>9}")?;
    }
    Ok(())
}

fn print_confusions(out: &mut impl io::Write, confusions: &[Confusion]) -> io::Result<()> {
    if confusions.is_empty() {
        return writeln!(out, "\nno point was credited by the words of another");
    }
    writeln!(out, "\ncredited by the words of another point")?;
    for Confusion { question, credited, credited_text, made, made_text, answers } in
        confusions.iter().take(CONFUSIONS_SHOWN)
    {
        let times = counted(*answers, "answer");
        let question = clip(question, WIDTH - times.len() - 2);
        writeln!(out, "{question}  {times}")?;
        for (verb, number, text) in [("credited", credited, credited_text), ("made", made, made_text)] {
            let start = format!("  {verb:<8}  {number:>2}  ");
            writeln!(out, "{start}{}", clip(text, WIDTH - start.len()))?;
        }
    }
    match confusions.len().saturating_sub(CONFUSIONS_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "and {more} rarer ones, which `--json` lists"),
    }
}
