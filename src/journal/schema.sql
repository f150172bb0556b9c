-- Version 1 of the journal. Times are UTC, RFC 3339 with milliseconds, so that they sort as text.

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'left', 'interrupted')),
    engine TEXT NOT NULL,
    model TEXT,
    input TEXT NOT NULL CHECK (input IN ('microphone', 'files', 'typed'))
) STRICT;

-- The loops as they were asked; the files they came from may change.
CREATE TABLE session_loops (
    session TEXT NOT NULL REFERENCES sessions (id),
    position INTEGER NOT NULL,
    loop_id TEXT NOT NULL,
    loop_hash TEXT NOT NULL,
    loop_json TEXT NOT NULL,
    PRIMARY KEY (session, position)
) STRICT;

-- One row for each question that was asked.
CREATE TABLE answers (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    position INTEGER NOT NULL,
    question TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    skipped_at TEXT,
    UNIQUE (session, position, question),
    FOREIGN KEY (session, position) REFERENCES session_loops (session, position)
) STRICT;

-- Attempts at an answer, all of them kept; the last one that holds something counts.
CREATE TABLE takes (
    id INTEGER PRIMARY KEY,
    answer INTEGER NOT NULL REFERENCES answers (id),
    number INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    -- Spoken: the recording's name in the session's folder, and its length once it is whole.
    file TEXT,
    seconds REAL,
    -- Typed: the text so far.
    typed_text TEXT,
    UNIQUE (answer, number),
    CHECK ((file IS NULL) <> (typed_text IS NULL))
) STRICT;

CREATE TABLE transcripts (
    id INTEGER PRIMARY KEY,
    take INTEGER NOT NULL REFERENCES takes (id),
    model TEXT NOT NULL,
    speech INTEGER NOT NULL,
    audio_seconds REAL NOT NULL,
    transcribe_seconds REAL NOT NULL,
    transcript_json TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- Several can exist for one take: newer engines judge anew, and the last one counts.
CREATE TABLE assessments (
    id INTEGER PRIMARY KEY,
    take INTEGER NOT NULL REFERENCES takes (id),
    engine TEXT NOT NULL,
    loop_hash TEXT NOT NULL,
    -- The verdicts counted, so that lists need not read the whole assessment.
    covered INTEGER NOT NULL,
    partial INTEGER NOT NULL,
    unheard INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    total INTEGER NOT NULL,
    assessment_json TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- What people overrule: 'covered', 'missed', or 'withdrawn' for viva's own verdict again. Of each point of a
-- take the last row holds; the assessments stay as they are.
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY,
    take INTEGER NOT NULL REFERENCES takes (id),
    point TEXT NOT NULL,
    verdict TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE INDEX transcripts_of_take ON transcripts (take);
CREATE INDEX assessments_of_take ON assessments (take);
