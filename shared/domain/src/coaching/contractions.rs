//! English spellings that stand for several words: contractions, possessives, what recognizers write together.

/// Spellings that stand for several words, or for another one.
const RESPELLED: &[(&str, &[&str])] = &[
    ("cannot", &["can", "not"]),
    ("can't", &["can", "not"]),
    ("cant", &["can", "not"]),
    ("won't", &["will", "not"]),
    ("shan't", &["shall", "not"]),
    ("ain't", &["is", "not"]),
    ("dont", &["do", "not"]),
    ("doesnt", &["does", "not"]),
    ("didnt", &["did", "not"]),
    ("isnt", &["is", "not"]),
    ("wasnt", &["was", "not"]),
    ("arent", &["are", "not"]),
    ("couldnt", &["could", "not"]),
    ("wouldnt", &["would", "not"]),
    ("havent", &["have", "not"]),
    ("im", &["i", "am"]),
    ("ive", &["i", "have"]),
    ("thats", &["that", "is"]),
    ("gonna", &["going", "to"]),
    ("wanna", &["want", "to"]),
    ("gotta", &["got", "to"]),
    ("dunno", &["do", "not", "know"]),
    ("lemme", &["let", "me"]),
    ("gimme", &["give", "me"]),
    ("let's", &["let", "us"]),
    ("y'all", &["you", "all"]),
    ("e-mail", &["email"]),
    ("info", &["information"]),
    ("mr", &["mister"]),
    ("mrs", &["missus"]),
    ("'cause", &["because"]),
    ("cause", &["because"]),
    ("til", &["until"]),
    ("hubby", &["husband"]),
    ("tv", &["television"]),
    ("mom", &["mother"]),
    ("dad", &["father"]),
    ("okey", &["okay"]),
    ("alright", &["okay"]),
    ("nope", &["no"]),
    ("nah", &["no"]),
    ("yep", &["yes"]),
];

/// Endings of contractions, and the word that each stands for.
const ENDINGS: &[(&str, &str)] =
    &[("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would"), ("'m", "am")];

/// Words after which `'s` means "is"; after others it is a possessive.
const IS_AFTER: &[&str] = &[
    "it",
    "that",
    "what",
    "he",
    "she",
    "there",
    "here",
    "who",
    "how",
    "where",
    "this",
    "price",
    "rate",
    "fee",
    "budget",
    "money",
    "everything",
    "when",
];

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
