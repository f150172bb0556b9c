//! The sounds of the trials: made by `sox` and `espeak-ng`, wholly determined by the trial's number.

use std::process::{Command, Output};

/// Samples a second, mono.
const RATE: u64 = 16_000;

/// What is to be heard, in the order in which trials take turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Silence,
    White,
    Pink,
    Brown,
    Hum,
    Clicks,
    Tones,
    Chords,
    Breath,
    German,
    Spanish,
}

const KINDS: [Kind; 11] = [
    Kind::Silence,
    Kind::White,
    Kind::Pink,
    Kind::Brown,
    Kind::Hum,
    Kind::Clicks,
    Kind::Tones,
    Kind::Chords,
    Kind::Breath,
    Kind::German,
    Kind::Spanish,
];

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::White => "white noise",
            Self::Pink => "pink noise",
            Self::Brown => "brown noise",
            Self::Hum => "mains hum",
            Self::Clicks => "clicks",
            Self::Tones => "tones",
            Self::Chords => "chords",
            Self::Breath => "breath",
            Self::German => "German",
            Self::Spanish => "Spanish",
        }
    }
}

/// A recording of something that is no answer.
pub struct Sound {
    pub kind: Kind,
    /// The kind, the length and the level, for people.
    pub name: String,
    /// 16 kHz, mono.
    pub samples: Vec<i16>,
}

/// The sound of a trial: two to twelve seconds, peaks from 40 dB to 1 dB below full scale.
pub fn trial(number: u64) -> Sound {
    let kind = KINDS[(number % KINDS.len() as u64) as usize];
    let mut random = Random(number);
    let seconds = random.between(2.0, 12.0);
    let level = -random.between(1.0, 40.0);
    let samples = match kind {
        Kind::Silence => sox("-n", &format!("trim 0 {seconds}")),
        Kind::White | Kind::Pink | Kind::Brown => noise(kind, &mut random, seconds, level),
        Kind::Hum => {
            let mains = *random.one_of(&[50.0, 60.0]) * random.between(0.998, 1.002);
            let wave = random.one_of(&["sine", "triangle", "sawtooth", "square"]);
            let (second, third) = (2.0 * mains, 3.0 * mains);
            sox(
                "-n",
                &format!(
                    "synth {seconds} {wave} {mains} synth sine mix {second} synth sine mix {third} gain -n {level}"
                ),
            )
        }
        Kind::Clicks => pieces(seconds, || {
            let (length, gap) = (random.between(0.001, 0.02), random.between(0.03, 0.8));
            let colour = random.one_of(&["whitenoise", "pinknoise", "square 900", "sine 2500"]);
            let level = level - random.between(0.0, 6.0);
            format!("synth {length} {colour} gain -n {level} pad 0 {gap}")
        }),
        Kind::Tones => {
            let wave = *random.one_of(&["pluck", "sine", "triangle", "sawtooth", "square"]);
            pieces(seconds, || {
                let (length, note) = (random.between(0.2, 0.9), random.note());
                format!("synth {length} {wave} {note} fade h 0.01 {length} 0.05 gain -n {level}")
            })
        }
        Kind::Chords => {
            let wave = *random.one_of(&["pluck", "sine", "triangle", "sawtooth"]);
            pieces(seconds, || {
                let (length, root) = (random.between(0.5, 2.5), random.note());
                let third = root * random.one_of(&[6.0 / 5.0, 5.0 / 4.0, 4.0 / 3.0]);
                let fifth = root * 1.5;
                let tremble = random.between(1.0, 8.0);
                format!(
                    "synth {length} {wave} {root} synth {wave} mix {third} synth {wave} mix {fifth} \
                     tremolo {tremble} 30 fade h 0.01 {length} 0.1 gain -n {level}"
                )
            })
        }
        Kind::Breath => pieces(seconds, || {
            let (length, gap) = (random.between(0.4, 2.0), random.between(0.1, 1.5));
            let (middle, width) = (random.between(300.0, 2_500.0), random.between(300.0, 1_500.0));
            let (rise, fall) = (length * random.between(0.2, 0.5), length * random.between(0.2, 0.5));
            format!(
                "synth {length} pinknoise bandpass {middle} {width}h fade q {rise} {length} {fall} \
                 gain -n {level} pad 0 {gap}"
            )
        }),
        Kind::German => speech("de", GERMAN, &mut random, seconds, level),
        Kind::Spanish => speech("es", SPANISH, &mut random, seconds, level),
    };
    assert!(!samples.is_empty(), "trial {number} has no sound");
    Sound { kind, name: format!("{}, {seconds:.1} s, {level:.0} dB", kind.name()), samples }
}

/// Noise of a colour. `sox -R` always makes the same: each trial gets another stretch of it.
fn noise(colour: Kind, random: &mut Random, seconds: f64, level: f64) -> Vec<i16> {
    let colour = match colour {
        Kind::Pink => "pinknoise",
        Kind::Brown => "brownnoise",
        _ => "whitenoise",
    };
    let start = random.between(0.0, 100.0);
    let end = start + seconds + 1.0;
    sox("-n", &format!("synth {end} {colour} trim {start} {seconds} gain -n {level}"))
}

/// Sounds one after the other, each by effects of its own, for so many seconds.
fn pieces(seconds: f64, mut effects: impl FnMut() -> String) -> Vec<i16> {
    let wanted = (seconds * RATE as f64) as usize;
    let mut samples = Vec::new();
    while samples.len() < wanted {
        samples.extend(sox("-n", &effects()));
    }
    samples.truncate(wanted);
    samples
}

/// A few sentences, in one of many voices.
fn speech(language: &str, sentences: &[&str], random: &mut Random, seconds: f64, level: f64) -> Vec<i16> {
    let variant =
        random.one_of(&["", "+m1", "+m2", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+croak"]);
    let speed = random.between(120.0, 220.0).round().to_string();
    let pitch = random.between(20.0, 80.0).round().to_string();
    let first = random.below(sentences.len());
    let text: Vec<&str> = sentences.iter().cycle().skip(first).take(6).copied().collect();
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("speech.wav");
    let output = Command::new("espeak-ng")
        .args(["-v", &format!("{language}{variant}"), "-s", &speed, "-p", &pitch, "-w"])
        .arg(&recording)
        .arg(text.join(" "))
        .output()
        .expect("espeak-ng is there; `scripts/test` installs it");
    succeeded("espeak-ng", &output);
    sox(recording.to_str().unwrap(), &format!("trim 0 {seconds} gain -n {level}"))
}

/// What `sox` makes of an input with these effects.
fn sox(input: &str, effects: &str) -> Vec<i16> {
    // -R: the same noise each time; -D: no dither, silence is silent; -V1: errors alone are told.
    let mut command = Command::new("sox");
    command.args(["-V1", "-R", "-D"]);
    if input == "-n" {
        // It plucks strings at this rate only.
        command.args(["-r", "48000", "-c", "1"]);
    }
    command
        .arg(input)
        .args(["-t", "raw", "-e", "signed", "-b", "16", "-L", "-r", &RATE.to_string(), "-c", "1", "-"])
        .args(effects.split_whitespace());
    let output = command.output().expect("sox is there; `scripts/test` installs it");
    succeeded("sox", &output);
    output.stdout.chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect()
}

fn succeeded(program: &str, output: &Output) {
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        least + (most - least) * share
    }

    fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// A note of the scale of C major over three octaves, in Hz.
    fn note(&mut self) -> f64 {
        let half_tones = [0, 2, 4, 5, 7, 9, 11][self.below(7)] + 12 * self.below(3);
        130.81 * 2_f64.powf(half_tones as f64 / 12.0)
    }
}

const GERMAN: &[&str] = &[
    "Gestern Abend sind wir noch lange am Fluss spazieren gegangen.",
    "Meine Schwester hat im Sommer einen kleinen Garten gekauft.",
    "Der Zug nach Hamburg fährt heute leider erst um halb neun.",
    "Kannst du mir bitte das Salz und den Pfeffer geben?",
    "Im Winter wird es hier schon am Nachmittag dunkel.",
    "Die Kinder spielen jeden Tag hinter dem Haus mit dem Hund.",
    "Ich habe heute Morgen vergessen, die Blumen zu gießen.",
    "Unser Nachbar backt sonntags immer Brot für die ganze Straße.",
    "Wenn es morgen regnet, bleiben wir einfach zu Hause und lesen.",
    "Auf dem Markt gab es frische Äpfel, Birnen und Pflaumen.",
    "Das Fahrrad steht seit drei Wochen mit einem Platten im Keller.",
    "Wir treffen uns um sechs Uhr vor dem alten Rathaus.",
    "Mein Großvater erzählt gern von seiner Zeit auf See.",
    "Die Suppe war so heiß, dass ich mir die Zunge verbrannt habe.",
    "Sie möchte im nächsten Jahr nach Norwegen reisen und dort wandern.",
    "Hast du schon gehört, dass die Bäckerei an der Ecke schließt?",
    "Der Film war viel zu lang, aber die Musik hat mir gefallen.",
    "Nach dem Essen trinken meine Eltern immer eine Tasse Kaffee.",
    "Im Wald haben wir Pilze gesammelt und zwei Rehe gesehen.",
    "Am Freitag wird endlich die neue Waschmaschine geliefert.",
    "Er hat den Schlüssel auf dem Küchentisch liegen lassen.",
    "Die Katze schläft den ganzen Tag auf der warmen Heizung.",
    "Zum Geburtstag wünscht sich meine Tochter ein rotes Kleid.",
    "Das Wetter soll am Wochenende sonnig und trocken werden.",
];

const SPANISH: &[&str] = &[
    "Ayer por la tarde fuimos a pasear por la orilla del río.",
    "Mi hermana compró una casa pequeña cerca de la playa.",
    "El tren para Sevilla sale a las ocho y media de la mañana.",
    "¿Me puedes pasar la sal y el aceite, por favor?",
    "En invierno anochece muy temprano en este pueblo.",
    "Los niños juegan todos los días en el patio con el perro.",
    "Esta mañana se me olvidó regar las plantas del balcón.",
    "Nuestro vecino hace pan los domingos para toda la calle.",
    "Si mañana llueve, nos quedamos en casa viendo una película.",
    "En el mercado había naranjas, melocotones y uvas muy frescas.",
    "La bicicleta lleva tres semanas pinchada en el sótano.",
    "Quedamos a las seis delante del ayuntamiento viejo.",
    "Mi abuelo siempre cuenta historias de cuando era marinero.",
    "La sopa estaba tan caliente que me quemé la lengua.",
    "El año que viene quiere viajar a Chile y caminar por la montaña.",
    "¿Has oído que van a cerrar la panadería de la esquina?",
    "La obra fue demasiado larga, pero la música me gustó mucho.",
    "Después de comer, mis padres siempre toman un café con leche.",
    "En el bosque recogimos setas y vimos dos ciervos.",
    "El viernes por fin nos traen la lavadora nueva.",
    "Se dejó las llaves encima de la mesa de la cocina.",
    "El gato duerme todo el día al lado de la ventana.",
    "Para su cumpleaños mi hija quiere un vestido rojo.",
    "Dicen que el fin de semana hará sol y no habrá viento.",
];
