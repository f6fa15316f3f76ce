//! What the rule layer knows of English: small words, fillers, negations, contractions, numbers.
//!
//! Another language needs a file like this one; without it, its playbooks still match by stems and near matches, but
//! every word weighs the same and negation is not seen.

use super::words::Class;

/// The words that have a class, by class. A word may stand in several.
pub(super) const CLASSES: &[(Class, &[&str])] = &[
    (Class::LIGHT, LIGHT),
    (Class::FILLER, FILLERS),
    (Class::NEGATION, NEGATIONS),
    (Class::HYPOTHESIS, &["if", "unless", "suppose", "supposing", "imagine", "whether", "wish"]),
    (Class::TRANSPARENT, TRANSPARENT),
    (Class::REPORT, &["say", "says", "said", "saying", "think", "thinks", "thought", "claim", "claims", "mean", "tell", "told"]),
    (Class::OTHERS, &["you", "they", "people", "customers", "clients", "others", "some", "everybody", "everyone"]),
    (Class::NUMBER, NUMBERS),
    (Class::COMMON, COMMON),
    (Class::PRONOUN, &["i", "we", "you", "he", "she", "they", "it", "this", "that", "there"]),
    (Class::PARTICLE, &["off", "up", "out", "down", "over", "back", "away", "through", "around"]),
    (Class::SECOND_PERSON, &["you", "your", "yours"]),
    (Class::TROUBLE, &["problem", "issue", "concern", "point", "question", "reason", "case", "worry", "matter", "obstacle"]),
    (Class::BE, &["is", "was", "are", "were", "be"]),
];

/// Words that weigh little: they may be missing or misheard.
const LIGHT: &[&str] = &[
    "a", "an", "the", "is", "are", "am", "was", "were", "be", "been", "being", "to", "of", "it", "its", "that", "this",
    "these", "those", "there", "here", "i", "you", "he", "she", "we", "they", "me", "my", "mine", "your", "our", "us",
    "them", "their", "his", "her", "him", "at", "in", "on", "for", "and", "or", "but", "do", "does", "did", "has", "have", "had",
    "will", "would", "can", "could", "should", "shall", "may", "might", "must", "with", "about", "as", "if", "by",
    "from", "into", "so", "what", "which", "some", "any", "then", "than", "because", "when", "while", "out", "up",
    "over", "off", "down", "around", "all", "also", "even", "very", "now",
];

/// Words that people put anywhere; skipping them costs nothing.
const FILLERS: &[&str] = &[
    "uh", "um", "uhm", "er", "erm", "ah", "eh", "hmm", "mm", "oh", "like", "really", "just", "actually", "well", "so",
    "honestly", "basically", "literally", "simply", "probably", "maybe", "perhaps", "frankly", "obviously", "definitely",
    "absolutely", "totally", "quite", "pretty", "very", "anyway", "okay", "ok", "yeah", "please", "sir", "ma'am",
    "still", "even", "also", "kinda", "sorta", "truly", "certainly", "personally", "again", "exactly", "right",
];

/// Pairs that are fillers together. "you know" after "do" or "if" is meant.
pub(super) const FILLER_PAIRS: &[(&str, &str)] =
    &[("you", "know"), ("i", "mean"), ("kind", "of"), ("sort", "of"), ("to", "be"), ("be", "honest"), ("at", "all")];

/// Words after which "you know" is no filler.
pub(super) const BEFORE_MEANT_PAIRS: &[&str] = &["do", "did", "if", "as", "how", "let", "what", "would", "should", "not"];

const NEGATIONS: &[&str] = &["not", "never", "no", "without", "neither", "nor", "nothing", "none", "nobody"];

/// Words over which a negation or an "if" still reaches what follows.
const TRANSPARENT: &[&str] = &[
    "a", "an", "the", "that", "this", "it", "is", "are", "was", "were", "be", "been", "being", "am", "too", "all", "at", "i",
    "we", "he", "she", "they", "you", "me", "my", "think", "thinks", "thought", "say", "says", "said", "saying", "find", "found",
    "feel", "felt", "mean", "meant", "believe", "consider", "call", "going", "to", "because", "about", "of", "as", "there", "would",
    "could", "can", "will", "do", "does", "did", "have", "has", "had", "need", "needs", "want", "wants", "any", "or", "one",
    "sounds", "sound", "seem", "seems", "looks", "look", "suggesting", "implying", "claiming", "worried", "concerned",
    "price", "cost", "for", "us", "problem", "issue", "in", "even", "wanting", "needing", "trying", "your", "should", "were",
    "ever", "with", "price's", "feels", "complain", "complaining", "having", "anything", "remotely", "time",
    "call", "exactly",
];

const NUMBERS: &[&str] = &[
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fourty",
    "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "hundreds", "thousand", "thousands", "grand", "million",
];

/// Words so frequent that they are a poor place to begin looking.
const COMMON: &[&str] = &[
    "need", "want", "get", "go", "know", "think", "say", "tell", "make", "take", "time", "good", "more", "much", "many", "money", "too",
    "first", "back", "other", "call", "give", "let", "see", "look", "thing", "people", "way", "right", "pay", "help",
    "how", "who", "why", "where", "not", "no", "never", "already", "really", "just", "sure", "work", "time", "something",
    "send", "price", "company", "offer", "one", "another", "like", "moment", "information", "talk", "ask", "decide", "anything",
];

/// Words that sound alike: heard, meant.
pub(super) const SOUND_ALIKE: &[(&str, &str)] = &[
    ("to", "too"), ("two", "too"), ("you", "your"), ("by", "buy"), ("here", "hear"), ("there", "their"), ("for", "four"),
    ("weight", "wait"), ("sea", "see"), ("thing", "think"), ("things", "think"), ("wives", "wife"), ("end", "and"),
];

/// Spellings that stand for several words, or for another one.
const RESPELLED: &[(&str, &[&str])] = &[
    ("cannot", &["can", "not"]), ("can't", &["can", "not"]), ("cant", &["can", "not"]), ("won't", &["will", "not"]),
    ("shan't", &["shall", "not"]), ("ain't", &["is", "not"]), ("dont", &["do", "not"]), ("doesnt", &["does", "not"]),
    ("didnt", &["did", "not"]), ("isnt", &["is", "not"]), ("wasnt", &["was", "not"]), ("arent", &["are", "not"]),
    ("couldnt", &["could", "not"]), ("wouldnt", &["would", "not"]), ("havent", &["have", "not"]), ("im", &["i", "am"]),
    ("ive", &["i", "have"]), ("thats", &["that", "is"]), ("gonna", &["going", "to"]), ("wanna", &["want", "to"]),
    ("gotta", &["got", "to"]), ("dunno", &["do", "not", "know"]), ("lemme", &["let", "me"]), ("gimme", &["give", "me"]),
    ("let's", &["let", "us"]), ("y'all", &["you", "all"]), ("e-mail", &["email"]), ("info", &["information"]),
    ("mr", &["mister"]), ("mrs", &["missus"]), ("'cause", &["because"]), ("cause", &["because"]), ("til", &["until"]),
    ("hubby", &["husband"]), ("tv", &["television"]), ("mom", &["mother"]), ("dad", &["father"]),
    ("okey", &["okay"]), ("alright", &["okay"]), ("nope", &["no"]), ("nah", &["no"]), ("yep", &["yes"]),
];

/// Words whose stem would be that of another word.
pub(super) const UNSTEMMED: &[&str] = &["business", "businesses", "accountant", "accountants", "interested", "uninterested"];

/// Endings of contractions, and the word that each stands for.
const ENDINGS: &[(&str, &str)] =
    &[("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would"), ("'m", "am")];

/// Words after which `'s` means "is"; after others it is a possessive.
const IS_AFTER: &[&str] =
    &["it", "that", "what", "he", "she", "there", "here", "who", "how", "where", "this", "price", "everything", "when"];

/// Calls back with the words that a spelling stands for. The spelling is in lower case, with straight apostrophes.
pub(super) fn spell_out(spelling: &str, mut word: impl FnMut(&str)) {
    if let Some((_, words)) = RESPELLED.iter().find(|(known, _)| *known == spelling) {
        words.iter().for_each(|it| word(it));
        return;
    }
    if let Some((stem, ending)) = ENDINGS.iter().find_map(|(ending, is)| Some((spelling.strip_suffix(ending)?, is))) {
        if !stem.is_empty() {
            word(stem);
        }
        word(ending);
        return;
    }
    match spelling.strip_suffix("'s") {
        Some(stem) if IS_AFTER.contains(&stem) => {
            word(stem);
            word("is");
        }
        Some(stem) if !stem.is_empty() => word(stem),
        _ => word(spelling),
    }
}
