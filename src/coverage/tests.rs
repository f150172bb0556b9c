//! Stories: what somebody says, and what a fair interviewer makes of it.

#![allow(clippy::unwrap_used)]

use super::normalise::tokens;
use super::sense::shadows;
use super::{
    FoundBy, Piece, PointVerdict, Reader, Reading, Verdict, WordsAlone, satisfied_by_prompt, traces,
};
use crate::loops::{Library, Point, Question, Way};
use crate::transcript::{Segment, Transcript, Word};
use Verdict::{Covered, Missed, Partial, Unheard};

fn assess(question: &Question, transcript: &Transcript) -> Vec<PointVerdict> {
    super::assess(question, transcript, &WordsAlone)
}

fn point(text: &str, keywords: &[&str]) -> Point {
    let id = text.to_lowercase().replace(|letter: char| !letter.is_alphanumeric(), "-");
    let keywords = keywords.iter().map(|way| Way::try_from((*way).to_owned()).unwrap()).collect();
    Point { keywords, ..Point::new(id, text.to_owned()) }
}

fn question(prompt: &str, points: Vec<Point>) -> Question {
    Question::new("prompt".to_owned(), prompt.to_owned(), 60, "You should cover".to_owned(), points)
}

/// The verdict on one point, asked for by an unrelated question.
fn judged(point: Point, answer: &str) -> PointVerdict {
    let asked = question("What would you do?", vec![point]);
    // Answers are cut off anywhere, and none may make it fail.
    for (end, _) in answer.match_indices(' ').take(40) {
        assess(&asked, &Transcript::typed(&answer[..end]));
    }
    assess(&asked, &Transcript::typed(answer)).remove(0)
}

/// Judges each row and names all that came out differently.
fn expect(rows: &[(&[&str], &str, Verdict)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(ways, answer, expected)| (judged(point("zzz", ways), answer), answer, expected))
        .filter(|(found, _, expected)| found.verdict != **expected)
        .map(|(found, answer, expected)| format!("{answer}\n  is {expected:?}, came out as {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const PRIORS: &[&str] = &["prior|priors"];
const SEEDS: &[&str] = &["seed|seeds + several|multiple|five|more"];
const KDE: &[&str] = &["kde|kernel density"];
const RECOMPUTE: &[&str] = &["recompute + activations"];
const ABLATIONS: &[&str] = &["ablation|ablations"];

#[test]
fn what_is_rejected_is_not_credited() {
    expect(&[
        (PRIORS, "I wouldn't bother with priors.", Missed),
        (PRIORS, "I would not use priors here", Missed),
        (PRIORS, "Never mind priors, just look at the numbers.", Missed),
        (PRIORS, "Priors, no, that's for textbooks.", Missed),
        (PRIORS, "The priors don't matter.", Missed),
        (PRIORS, "You don't need priors for that.", Missed),
        (PRIORS, "There's no need for priors.", Missed),
        (PRIORS, "Forget about the priors.", Missed),
        (PRIORS, "I'd just skip the priors", Missed),
        (PRIORS, "I'd leave the priors out of it.", Missed),
        (PRIORS, "Priors are overrated.", Missed),
        (PRIORS, "Looking at priors is a waste of time.", Missed),
        (PRIORS, "People always bring up priors, but I wouldn't use that.", Missed),
        (PRIORS, "Some like priors. I don't think that's worth it.", Missed),
        (SEEDS, "I don't need more seeds, one run shows it.", Missed),
        (ABLATIONS, "No ablations, we don't have the time.", Missed),
        (KDE, "I'd fit a Gaussian instead of a KDE.", Missed),
        (KDE, "I'm no fan of a KDE.", Missed),
        (KDE, "A KDE, no thanks.", Missed),
        (KDE, "KDE I can live without.", Missed),
        (KDE, "I'd stay well away from a KDE.", Missed),
        (KDE, "Why would anyone bother with a KDE?", Missed),
        (KDE, "The KDE has no influence on that.", Missed),
        (KDE, "I could not tell you what a KDE is.", Missed),
        (KDE, "My colleague swears by KDE.", Partial),
        (KDE, "No fan of histograms, so a KDE.", Covered),
    ]);
}

#[test]
fn what_the_speaker_does_not_know_is_not_credited() {
    expect(&[
        (KDE, "I don't know KDE.", Missed),
        (KDE, "I have no idea what KDE does.", Missed),
        (KDE, "I've never heard of kernel density estimation.", Missed),
        (KDE, "KDE, I couldn't explain that.", Missed),
        (KDE, "I'm not sure how a KDE works.", Missed),
        (KDE, "Is it maybe something with a KDE?", Missed),
    ]);
}

#[test]
fn what_is_denied_is_not_credited() {
    const LIKELIHOOD: &[&str] = &["bernoulli + likelihood"];
    expect(&[
        (LIKELIHOOD, "It is not a Bernoulli likelihood, it's just a loss.", Missed),
        (LIKELIHOOD, "That loss has nothing to do with a Bernoulli likelihood.", Missed),
        (
            &["likelihood + cross entropy"],
            "There is no link between the likelihood and cross entropy.",
            Missed,
        ),
        (LIKELIHOOD, "It wouldn't be a Bernoulli likelihood.", Missed),
        (LIKELIHOOD, "The likelihood is not Bernoulli.", Missed),
        (LIKELIHOOD, "The likelihood is Gaussian, not Bernoulli.", Missed),
        (LIKELIHOOD, "It is wrong to say that the likelihood is Bernoulli.", Missed),
        (LIKELIHOOD, "People claim the likelihood is Bernoulli. That is false.", Missed),
        (&["mle + cross entropy"], "MLE does not lead to cross entropy.", Missed),
        (&["mle + cross entropy"], "MLE never gives cross entropy.", Missed),
        (&["mle + cross entropy"], "It's no accident that MLE gives cross entropy.", Covered),
        (&["mle + cross entropy"], "MLE gives cross entropy, not MSE.", Covered),
        (&["ambiguity"], "Ambiguity never happens.", Missed),
        (&["strong baseline"], "A strong baseline that isn't a strawman.", Covered),
        (LIKELIHOOD, "It's not only a loss, it is a Bernoulli likelihood.", Covered),
        (LIKELIHOOD, "It is not a Gaussian, it is a Bernoulli likelihood.", Covered),
        (LIKELIHOOD, "It isn't magic: a Bernoulli likelihood.", Covered),
        (LIKELIHOOD, "If it is not a Bernoulli likelihood, what else?", Covered),
        (&["overflow"], "so that the exponential does not overflow", Covered),
        (&["gradient + dies"], "you don't want a gradient that dies", Covered),
        (&["gradient + vanish"], "the gradient does not vanish", Covered),
    ]);
    let found = judged(point("likelihood", LIKELIHOOD), "It is not a Bernoulli likelihood.");
    assert_eq!(found.reason.as_deref(), Some("you said that it is not so"));
}

#[test]
fn the_reason_is_the_one_that_was_given() {
    const UNKNOWN: &str = "you said you did not know";
    const WOULD_NOT: &str = "you said you would not";
    const NOT_SO: &str = "you said that it is not so";
    const NAMED: &str = "you named it and said nothing about it";
    for (answer, reason) in [
        ("I forget what a KDE means.", UNKNOWN),
        ("I forgot why one takes a KDE.", UNKNOWN),
        ("I don't remember whether that's a KDE.", UNKNOWN),
        ("I used to know how a KDE works.", UNKNOWN),
        ("KDE, don't know how that works.", UNKNOWN),
        ("Kernel density? Couldn't tell you.", UNKNOWN),
        ("I can't say anything about KDE.", UNKNOWN),
        ("I have no experience with KDE.", UNKNOWN),
        ("I have no opinion on KDE.", UNKNOWN),
        ("KDE doesn't ring a bell.", UNKNOWN),
        ("KDE is new to me.", UNKNOWN),
        ("KDE is beyond me.", UNKNOWN),
        ("Nobody ever explained KDE to me.", UNKNOWN),
        ("I'd ask a colleague how a KDE works.", UNKNOWN),
        ("I would have to read up on KDE.", UNKNOWN),
        ("I'm hazy on how a KDE works.", UNKNOWN),
        ("I'd have to guess how a KDE works.", UNKNOWN),
        ("I have never run a KDE.", UNKNOWN),
        ("I would never run a KDE.", WOULD_NOT),
        ("Forget the KDE.", WOULD_NOT),
        ("I haven't got the time for a KDE.", WOULD_NOT),
        ("I would never say it's a KDE.", NOT_SO),
        ("A KDE, I wouldn't say that.", NOT_SO),
        ("Nobody would say that it is a KDE.", NOT_SO),
        ("It is not true that one takes a KDE.", NOT_SO),
        ("It's a KDE? I doubt it.", NOT_SO),
        ("Some say it's a KDE, I disagree.", NOT_SO),
        ("Somebody once told me about KDE.", NAMED),
        ("KDE I've only read about.", NAMED),
    ] {
        let found = judged(point("zzz", KDE), answer);
        assert_ne!(found.verdict, Covered, "{answer}");
        assert_eq!(found.reason.as_deref(), Some(reason), "{answer}");
    }
    // The "not" of "I don't know" is no word of the point's, whatever its ways have.
    let any_not = judged(point("zzz", &["kde + not|unknown"]), "KDE, I don't know how that works.");
    assert_eq!(any_not.reason.as_deref(), Some(UNKNOWN));
    expect(&[
        (KDE, "I forget the name, but a KDE gives the density.", Covered),
        (KDE, "I'd not hesitate to take a KDE.", Covered),
        (KDE, "I would say it's a KDE.", Covered),
        (&["can't tell + which"], "I can't tell you which one it is.", Covered),
    ]);
}

#[test]
fn a_point_worded_with_not_is_not_refused_for_that_very_word() {
    for (text, answers) in [
        (
            "don't tune on the test set",
            &[
                "I would not tune on the test set.",
                "I never tune on the test set.",
                "You don't tune on the test set.",
            ][..],
        ),
        (
            "never shuffle time series",
            &["I would never shuffle time series.", "I don't shuffle time series."],
        ),
        (
            "the samples are not independent",
            &["The samples aren't independent.", "The samples are never independent."],
        ),
        ("no leakage", &["There must be no leakage."]),
    ] {
        for answer in answers {
            let found = judged(point(text, &[]), answer);
            assert!(found.verdict != Missed && found.reason.is_none(), "{text}: {answer}: {found:?}");
        }
    }
    expect(&[
        (&["not look + labels"], "I never look at the labels.", Covered),
        (&["never look + labels"], "I don't look at the labels.", Covered),
        (&["look + labels"], "I never look at the labels.", Missed),
    ]);
}

#[test]
fn right_answers_are_full_of_not() {
    expect(&[
        (KDE, "If you don't know the family, use a KDE.", Covered),
        (KDE, "I don't know the family, so I'd use a KDE.", Covered),
        (KDE, "If it isn't Gaussian, KDE instead.", Covered),
        (SEEDS, "I wouldn't believe it without several seeds.", Covered),
        (SEEDS, "One seed isn't enough, I want five seeds.", Covered),
        (SEEDS, "I wouldn't trust one seed, I'd run five.", Covered),
        (SEEDS, "Not just one seed but several.", Covered),
        (PRIORS, "Don't forget the priors.", Covered),
        (PRIORS, "I wouldn't ignore the priors.", Covered),
        (PRIORS, "It's not only the likelihood, the priors count as well.", Covered),
        (RECOMPUTE, "Don't keep the activations, recompute them.", Covered),
        (RECOMPUTE, "I wouldn't keep the activations, I'd recompute them.", Covered),
        (RECOMPUTE, "Recompute the activations instead of storing them.", Covered),
        (&["p minus y"], "It isn't scaled by anything, it's p minus y.", Covered),
        (&["not gaussian|isn't gaussian"], "It isn't Gaussian, you can see that.", Covered),
    ]);
}

#[test]
fn right_answers_are_full_of_idioms_too() {
    expect(&[
        (&["subtract + max"], "You want to subtract the max first.", Covered),
        (&["subtract + max"], "Then of course you subtract the max.", Covered),
        (&["subtract + max"], "It makes no difference to the result when you subtract the max.", Covered),
        (&["kde + not|unreliable"], "A KDE is not reliable with twelve points.", Covered),
        (&["not gaussian"], "It can't be Gaussian.", Covered),
        (&["mse + saturate|no gradient"], "MSE saturates and gives no gradient when it is wrong.", Covered),
        (&["one run|one seed + luck|noise"], "One run proves nothing, it could be luck.", Covered),
        (
            &["recompute + activations"],
            "Recompute the activations in the backward. No need to store them.",
            Covered,
        ),
        (&["autocast + fp32"], "I'd turn off autocast and see if it goes away in fp32.", Covered),
        (&["tuned + baseline"], "The comparison has to be against the best tuned baseline.", Covered),
        (&["axes + swap|mix"], "A common one is mixing up the last two axes.", Covered),
        (&["padding mask"], "Then you only add the padding mask.", Covered),
        (&["checkpointing"], "That is called activation checkpointing, and it saves memory.", Covered),
        (&["loss spike"], "I've seen the loss spike when the rate is too high.", Covered),
        (
            &["vanishing gradient + cross entropy"],
            "With cross entropy there is no vanishing gradient.",
            Covered,
        ),
        (&["learning rate"], "I'd guess it's the learning rate.", Covered),
    ]);
}

#[test]
fn a_later_assertion_counts_for_itself() {
    expect(&[
        (PRIORS, "I wouldn't bother with plots. But I'd put in the priors.", Covered),
        (PRIORS, "I don't know much about KDE, but I'd multiply by the priors.", Covered),
    ]);
}

#[test]
fn terms_merely_recited_are_half_a_point() {
    expect(&[
        (KDE, "I know KDE, GMM, all of that.", Partial),
        (KDE, "I've heard of KDE.", Partial),
        (&["recompute|checkpoint"], "BF sixteen, recompute, shard the optimizer.", Covered),
    ]);
}

#[test]
fn symbols_numbers_and_hyphens_are_said_in_many_ways() {
    expect(&[
        (&["p minus y"], "you get p - y", Covered),
        (&["p minus y"], "you get p-y.", Covered),
        (&["p - y"], "the prediction p, minus the label y", Covered),
        (&["one minus p"], "times (1-p)", Covered),
        (&["16 bit"], "sixteen-bit floats", Covered),
        (&["sixteen bit"], "in 16-bit", Covered),
        (&["bf16"], "I'd use BF sixteen", Covered),
        (&["bf16"], "bf-16", Covered),
        (&["recall at 10"], "Recall@10 went up", Covered),
        (&["recall@10"], "recall at ten went up", Covered),
        (&["kde"], "a K D E", Covered),
        (&["fsdp"], "F.S.D.P. then", Covered),
        (&["f s d p"], "FSDP then", Covered),
        (&["softmax"], "the soft max", Covered),
        (&["soft max"], "softmax", Covered),
        (&["cross-entropy"], "crossentropy loss", Covered),
        (&["layer norm"], "a LayerNorm", Covered),
        (&["o of n squared"], "it is O(n^2)", Covered),
        (&["o of n squared"], "O of N squared in time", Covered),
        (&["normalise"], "then comes normalization", Covered),
        (&["model's confidence"], "the confidence of models", Missed),
        (&["32"], "thirty two bits", Covered),
        (&["32"], "thirty, two bits", Missed),
    ]);
}

#[test]
fn phrases_bear_small_gaps_and_parts_stand_near_each_other() {
    let far = format!("gradients {} vanish", "and some more words ".repeat(20));
    expect(&[
        (&["learning rate"], "the learning, um, rate", Covered),
        (&["maximize the likelihood"], "you maximize the joint likelihood", Covered),
        (&["learning rate"], "learning something new at a rate", Missed),
        (&["learning rate"], "I was learning. Rate it yourself.", Missed),
        (&["gradient + vanish"], "the thing vanishes, I mean the gradient", Covered),
        (&["gradient + vanish"], &far, Missed),
        (&["label|target + label|target"], "the label", Missed),
    ]);
}

#[test]
fn the_question_repeated_is_no_answer() {
    let asked = question(
        "Explain why logistic regression uses cross-entropy instead of MSE.",
        vec![
            point("loss", &["cross entropy + logistic regression"]),
            point("likelihood", &["likelihood + cross entropy"]),
            point("cross-entropy", &[]),
        ],
    );
    let repeated = Transcript::typed("So why does logistic regression use cross-entropy and not MSE.");
    let verdicts = assess(&asked, &repeated);
    assert_eq!(verdicts.iter().map(|point| point.verdict).collect::<Vec<_>>(), [Missed, Missed, Missed]);
    assert_eq!(verdicts[0].reason.as_deref(), Some("this only repeats the question"));
    let answered = Transcript::typed("The likelihood gives cross-entropy.");
    assert_eq!(assess(&asked, &answered)[1].verdict, Covered);
    assert_eq!(satisfied_by_prompt(&asked), ["loss", "cross-entropy"]);
}

#[test]
fn points_without_keywords_are_matched_on_their_own_words() {
    let rows = [
        ("multiple seeds", "I'd want several seeds, multiple of them", Covered),
        ("ablations", "then I'd ablate each part", Covered),
        ("clip gradients if needed", "I'd clip the gradients", Covered),
        ("FSDP / ZeRO intuition", "then I'd bring in FSDP, each card keeps its own piece", Covered),
        ("optimizer state sharding", "I'd look at the memory of the weights", Missed),
        ("optimizer state sharding", "the state of the optimizer is large", Partial),
        ("optimizer state sharding", "shard the state of the optimizer", Covered),
        ("clip gradients if needed", "I wouldn't clip the gradients", Missed),
        ("mutual exclusion", "only one thread at a time", Missed),
    ];
    for (text, answer, expected) in rows {
        let found = judged(point(text, &[]), answer);
        assert_eq!(found.verdict, expected, "{text}: {answer}: {found:?}");
        if expected == Covered {
            assert_eq!(found.evidence[0].by, FoundBy::Text);
        }
    }
}

#[test]
fn evidence_is_a_verbatim_stretch_with_its_words() {
    let answer = "Well, first I would plot it. Then I'd estimate a mean and a variance for each, and so on.";
    let found = judged(point("fit", &["mean + variance"]), answer);
    let evidence = &found.evidence[0];
    assert_eq!(evidence.quote, "Then I'd estimate a mean and a variance for each");
    let words: Vec<&str> = answer.split_whitespace().collect();
    assert_eq!(words[evidence.first_word..=evidence.last_word].join(" "), format!("{},", evidence.quote));
    assert_eq!((evidence.start_seconds, evidence.end_seconds), (None, None));
}

#[test]
fn a_refused_point_shows_what_was_refused_and_why() {
    let found = judged(point("priors", PRIORS), "I wouldn't bother with priors.");
    assert_eq!(found.reason.as_deref(), Some("you said you would not"));
    assert_eq!(found.evidence[0].quote, "I wouldn't bother with priors.");
    let found = judged(point("kde", KDE), "No idea what a KDE is.");
    assert_eq!(found.reason.as_deref(), Some("you said you did not know"));
}

fn spoken(words: &[(&str, f64)]) -> Transcript {
    let words: Vec<Word> = words
        .iter()
        .enumerate()
        .map(|(index, (text, probability))| Word {
            text: (*text).to_owned(),
            start_seconds: Some(index as f64),
            end_seconds: Some(index as f64 + 0.5),
            probability: Some(*probability),
        })
        .collect();
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    Transcript::from_segments(vec![Segment {
        start_seconds: Some(0.0),
        end_seconds: Some(words.len() as f64),
        text,
        words,
    }])
}

#[test]
fn evidence_has_the_times_of_its_words() {
    let asked = question("What?", vec![point("priors", PRIORS)]);
    let found =
        &assess(&asked, &spoken(&[("Okay.", 0.9), ("Add", 0.9), ("priors.", 0.9), ("Done.", 0.9)]))[0];
    assert_eq!(found.evidence[0].quote, "Add priors.");
    assert_eq!((found.evidence[0].start_seconds, found.evidence[0].end_seconds), (Some(1.0), Some(2.5)));
}

#[test]
fn a_decisive_word_that_was_guessed_is_unheard() {
    let asked = question("What?", vec![point("priors", PRIORS)]);
    assert_eq!(assess(&asked, &spoken(&[("add", 0.9), ("the", 0.9), ("priors", 0.02)]))[0].verdict, Unheard);
    assert_eq!(assess(&asked, &spoken(&[("add", 0.9), ("the", 0.02), ("priors", 0.9)]))[0].verdict, Covered);
}

#[test]
fn what_the_recogniser_makes_of_a_term_counts() {
    let logits = Point {
        heard_as: vec![Way::try_from("low jits".to_owned()).unwrap()],
        ..point("logits", &["logits"])
    };
    let found = judged(logits, "the low jits go into it");
    assert_eq!((found.verdict, found.evidence[0].by), (Covered, FoundBy::HeardAs));
}

#[test]
fn a_word_that_was_guessed_counts_for_what_it_sounds_like() {
    let judged = |ways: &[&str], words: &[(&str, f64)]| {
        let asked = question("What?", vec![point("zzz", ways)]);
        let found = assess(&asked, &spoken(words)).remove(0);
        (found.verdict, found.evidence.first().map(|evidence| evidence.by))
    };
    let sounds = (Covered, Some(FoundBy::SoundAlike));
    let then = |word, probability| [("then", 0.9), ("I'd", 0.9), ("run", 0.9), (word, probability)];
    assert_eq!(judged(ABLATIONS, &then("oblations.", 0.3)), sounds);
    assert_eq!(judged(ABLATIONS, &then("oblations.", 0.9)), (Missed, None));
    // Common words side by side sound like anything.
    let meet = [("then", 0.9), ("I", 0.9), ("meet", 0.4), ("an", 0.4), ("actor", 0.9), ("there.", 0.9)];
    assert_eq!(judged(&["median"], &meet), (Missed, None));
    // Three letters sound like too much, and other letters are another word.
    assert_eq!(judged(&["kde"], &then("caddy.", 0.2)), (Missed, None));
    assert_eq!(judged(&["prior"], &then("brewery.", 0.2)), (Missed, None));
    // A point without keywords is found by the words of its text all the same.
    let asked = question("What?", vec![point("multiple ablations", &[])]);
    let said = [("then", 0.9), ("I'd", 0.9), ("run", 0.9), ("multiple", 0.9), ("oblations.", 0.3)];
    let found = assess(&asked, &spoken(&said)).remove(0);
    assert_eq!((found.verdict, found.evidence[0].by), (Covered, FoundBy::SoundAlike));
    // What is guessed outright is asked about.
    assert_eq!(judged(ABLATIONS, &then("oblations.", 0.05)), (Unheard, Some(FoundBy::SoundAlike)));
}

#[test]
fn the_probability_goes_with_the_decision() {
    let probability = |answer| judged(point("priors", &["prior + class"]), answer).probability;
    let covered = probability("a prior for each class");
    let refused = probability("I wouldn't use a prior for each class");
    let nothing = probability("hello");
    assert!(covered > 0.5 && 0.5 > refused && refused > nothing && nothing > 0.0);
}

#[test]
fn nothing_said_covers_nothing() {
    for answer in [
        "",
        " \n ",
        "...",
        "🙂🎉",
        "— — —",
        "\u{0}\u{1}\u{7f}",
        "Ω≈ç√∫˜µ≤≥÷",
        "嗯 那个 はい",
        "\u{301}\u{301}",
    ] {
        let found = judged(point("priors", PRIORS), answer);
        assert_eq!((found.verdict, found.evidence.len()), (Missed, 0), "{answer}");
    }
}

#[test]
fn odd_input_is_judged_all_the_same() {
    let monster = "x".repeat(1_000_000);
    expect(&[
        (PRIORS, "🙂 add the priors 🎉", Covered),
        (PRIORS, "Add the <b>priors</b> [[points]] id = \"x\"", Covered),
        (PRIORS, &format!("{monster} add the priors {monster}"), Covered),
        (PRIORS, "Add the pr\u{200b}iors", Covered),
        (&["naive bayes"], "Use naïve Bayes", Covered),
        (PRIORS, "Add the “priors”", Covered),
    ]);
}

#[test]
fn one_word_is_judged_like_any_answer() {
    expect(&[
        (PRIORS, "Priors.", Covered),
        (PRIORS, "yes", Missed),
        (PRIORS, "prior-", Covered),
        (PRIORS, "not", Missed),
        (SEEDS, "seeds", Missed),
    ]);
}

/// So many words of which no two are the same, and none a word.
fn different_words(count: usize) -> Vec<String> {
    let letter = |number: usize| char::from(b'a' + (number % 26) as u8);
    (0..count)
        .map(|number| format!("zq{}{}{}x", letter(number), letter(number / 26), letter(number / 676)))
        .collect()
}

#[test]
fn a_point_is_found_among_ten_thousand_words_and_nothing_else() {
    let mut words = different_words(10_000);
    let found = judged(point("priors", PRIORS), &words.join(" "));
    assert_eq!((found.verdict, found.evidence.len()), (Missed, 0));
    words.splice(6_000..6_000, ["Add", "the", "priors."].map(str::to_owned));
    words[5_999].push('.');
    let found = judged(point("priors", PRIORS), &words.join(" "));
    assert_eq!((found.verdict, found.evidence[0].quote.as_str()), (Covered, "Add the priors."));
    assert_eq!((found.evidence[0].first_word, found.evidence[0].last_word), (6_000, 6_002));
}

#[test]
fn loop_files_and_markup_are_words_like_others() {
    let library = Library::built_in().unwrap();
    let files = library.iter().map(|entry| crate::loops::to_toml(&entry.content));
    let markup = "<html><body onload=\"x()\"><p>&amp;</p></body></html> <!-- [[points]] --> {\"points\": [null]} %s $(x) `x`";
    for text in files.chain([markup.to_owned()]) {
        assert_eq!(judged(point("tomato", &["tomato soup"]), &text).verdict, Missed);
        let transcript = Transcript::typed(&text);
        let words: Vec<&str> = transcript.words().map(|word| word.text.as_str()).collect();
        for question in library.iter().flat_map(|entry| entry.content.questions()) {
            for evidence in assess(question, &transcript).iter().flat_map(|point| &point.evidence) {
                let said = words[evidence.first_word..=evidence.last_word].join(" ");
                assert!(said.contains(&evidence.quote), "{evidence:?}");
            }
        }
    }
    for question in library.iter().flat_map(|entry| entry.content.questions()) {
        assert!(assess(question, &Transcript::typed(markup)).iter().all(|point| point.verdict == Missed));
    }
}

/// How much a judgement finds: words, the stretches that rules cast over them, matches, and all that speaks for and
/// against them. Not how often it looks at each.
fn work(question: &Question, answer: &Transcript) -> usize {
    let tokens = tokens(answer.words().map(|word| word.text.as_str()));
    let shaded: usize = shadows(&tokens).iter().map(|shadow| shadow.last - shadow.first + 1).sum();
    let signs: usize =
        traces(question, answer, &WordsAlone).iter().flatten().map(|trace| 1 + trace.signs.len()).sum();
    tokens.len() + shaded + signs
}

/// Words that, over and over, are the most to do: found, refused, found in part, or neither.
const REPEATED: [&str; 8] =
    ["prior", "not", "prior class", "I don't", "skip it.", "prior class weight seeds", "a", "no,"];

fn asked_of_the_repeated() -> Question {
    question("What?", vec![point("a", &["prior + class + weight"]), point("seeds prior weight", &[])])
}

#[test]
fn what_is_found_grows_in_proportion() {
    let asked = asked_of_the_repeated();
    for word in REPEATED {
        let of = |times: usize| work(&asked, &Transcript::typed(&format!("{word} ").repeat(times)));
        let (short, long) = (of(500), of(2_000));
        assert!(long <= 4 * short + short / 4, "`{word}`: {short} became {long}");
    }
}

#[test]
#[ignore = "measures time"]
fn long_answers_take_time_in_proportion() {
    let asked = asked_of_the_repeated();
    for word in REPEATED {
        // The least of three: what else the machine does only adds.
        let of = |times: usize| {
            let answer = Transcript::typed(&format!("{word} ").repeat(times));
            let seconds = (0..3).map(|_| {
                let started = std::time::Instant::now();
                assess(&asked, &answer);
                started.elapsed().as_secs_f64()
            });
            seconds.fold(f64::INFINITY, f64::min)
        };
        let (short, long) = (of(2_500), of(10_000));
        assert!(long < 6.0 * short, "`{word}`: {short:.3} s became {long:.3} s for four times the words");
    }
}

#[test]
fn ten_thousand_words_take_no_long_time() {
    let asked = asked_of_the_repeated();
    for word in REPEATED {
        let times = 10_000 / word.split(' ').count();
        let answer = Transcript::typed(&format!("{word} ").repeat(times));
        let started = std::time::Instant::now();
        assess(&asked, &answer);
        assert!(started.elapsed().as_secs_f64() < 5.0, "`{word}` took {:?}", started.elapsed());
    }
}

#[test]
fn no_order_of_words_makes_it_fail() {
    let words = [
        "not",
        "no",
        "never",
        "mind,",
        "I",
        "would",
        "don't",
        "want",
        "to",
        "skip",
        "leave",
        "it",
        "that.",
        "instead",
        "of",
        "rather",
        "than",
        "know",
        "about",
        "sure,",
        "heard",
        "who",
        "cares.",
        "waste",
        "of",
        "time",
        "overkill",
        "is",
        "just",
        "so",
        "but",
        "priors",
        "priors.",
        "need",
        "think",
        "have",
        "a",
        "clue",
        "something",
        "maybe",
        "buzzwords",
        "tell",
        "you",
        "say",
        "how",
        "works",
        "forget",
        "either.",
        "any",
        "-",
        "(",
        "x^2",
        ".",
    ];
    let asked =
        question("Priors or not?", vec![point("priors", &["prior", "not", "prior + know"]), point("a", &[])]);
    // A linear congruential generator, so that a failure can be repeated.
    let mut state = 1_u64;
    for length in (1..9).cycle().take(40_000) {
        let answer: Vec<&str> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                words[(state >> 33) as usize % words.len()]
            })
            .collect();
        let transcript = Transcript::typed(&answer.join(" "));
        for verdict in assess(&asked, &transcript) {
            assert!(verdict.evidence.iter().all(|evidence| evidence.last_word < length));
        }
    }
}

/// Reads words by a list: those of one line mean the same, all others nothing in common.
struct Synonyms(&'static [&'static str]);

impl Reader for Synonyms {
    fn read(&self, texts: &[Vec<&str>]) -> Option<Vec<Reading>> {
        const DIMENSIONS: usize = 256;
        let axis = |word: &str| {
            let known = self.0.iter().position(|line| line.split(' ').any(|other| other == word));
            known.unwrap_or_else(|| {
                let sum = word.bytes().fold(7_usize, |sum, byte| sum * 31 % 10_007 + usize::from(byte));
                self.0.len() + sum % (DIMENSIONS - self.0.len())
            })
        };
        let reading = |words: &Vec<&str>| {
            let mut whole = vec![0.0; DIMENSIONS];
            let piece = |(word, text): (usize, &&str)| {
                let id = axis(&text.trim_end_matches(['.', ',']).to_lowercase());
                let mut direction = vec![0.0; DIMENSIONS];
                direction[id] = 1.0;
                whole[id] += 1.0;
                Piece { word, id, rarity: 0.5, direction }
            };
            let pieces = words.iter().enumerate().map(piece).collect();
            let length = whole.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-9);
            whole.iter_mut().for_each(|number| *number /= length);
            Reading { whole, pieces }
        };
        Some(texts.iter().map(reading).collect())
    }
}

const SYNONYMS: Synonyms =
    Synonyms(&["memory ram", "halves half", "recomputation recompute", "costs slower", "time speed"]);

fn without_keywords() -> Question {
    let point = |text: &str| Point::new(text.into(), text.into());
    let points =
        vec![point("halves the memory"), point("recomputation costs time"), point("shard the optimizer")];
    question("How do you train a big network?", points)
}

#[test]
fn a_point_without_keywords_is_made_by_a_sentence_that_means_it() {
    let asked = without_keywords();
    let said = Transcript::typed("It needs half the ram. My dog likes long walks.");
    let verdicts = super::assess(&asked, &said, &SYNONYMS);
    let found: Vec<Verdict> = verdicts.iter().map(|point| point.verdict).collect();
    assert_eq!(found, [Covered, Missed, Missed]);
    assert_eq!(verdicts[0].evidence[0].by, FoundBy::Meaning);
    assert!("It needs half the ram.".contains(&verdicts[0].evidence[0].quote));
    assert_eq!(assess(&asked, &said)[0].verdict, Missed, "by its words alone nothing of it is found");
}

#[test]
fn a_sentence_that_takes_back_what_it_means_is_refused() {
    let asked = without_keywords();
    let said = Transcript::typed("I would never use half the ram.");
    let point = super::assess(&asked, &said, &SYNONYMS).remove(0);
    assert_eq!(point.verdict, Missed);
    assert!(point.reason.is_some_and(|reason| reason.contains("would not")));
    assert_eq!(
        super::assess(&asked, &said, &SYNONYMS)[2].reason,
        None,
        "it has nothing to do with the other points"
    );
}

#[test]
fn a_repeated_question_means_no_point() {
    let mut asked = without_keywords();
    asked.points[0].text = "train a big network".into();
    let said = Transcript::typed("How do I train a big network?");
    assert!(super::assess(&asked, &said, &SYNONYMS).iter().all(|point| point.verdict == Missed));
}

#[test]
fn points_with_keywords_are_judged_without_a_reader() {
    struct Unasked;
    impl Reader for Unasked {
        fn read(&self, _: &[Vec<&str>]) -> Option<Vec<Reading>> {
            panic!("nothing is to be read")
        }
    }
    let library = Library::built_in().unwrap();
    for question in library.iter().flat_map(|entry| entry.content.questions()) {
        super::assess(question, &Transcript::typed("The gradient is p minus y."), &Unasked);
    }
}

#[test]
fn however_much_is_said_every_sentence_is_read_and_none_is_long() {
    let asked = without_keywords();
    for said in
        ["half the ram ".repeat(3_000), "x. ".repeat(10_000), String::new(), "...".into(), "🙂 ,".into()]
    {
        super::assess(&asked, &Transcript::typed(&said), &SYNONYMS);
    }
    let mut alone = asked.clone();
    alone.points.truncate(1);
    let said = Transcript::typed("Well, half the ram.");
    assert_ne!(super::assess(&alone, &said, &SYNONYMS)[0].evidence, [], "no other point to compare it with");
}
