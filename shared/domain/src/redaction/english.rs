//! The English words that values are spoken with, and the phrases that say which value comes. Data only.

use super::language::{Role, Topic};

/// From zero on; other spellings after a slash.
pub(super) const DIGITS: &str = "zero/nought/naught one two three four five/fife six seven eight nine/niner";
/// From ten on.
pub(super) const TEENS: &str = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen";
/// From twenty on.
pub(super) const TENS: &str = "twenty thirty forty/fourty fifty sixty seventy eighty ninety/ninty";
/// Several of one digit, from zero on: "three zeros".
pub(super) const PLURALS: &str = "zeros/zeroes/ohs ones twos threes fours fives sixes sevens eights nines";
/// From the first on.
pub(super) const ORDINALS: &str = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth \
    thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth";

pub(super) const OTHERS: &[(Role, &str)] = &[
    (
        Role::Month,
        "january jan february feb march april apr may june jun july jul august aug september sept sep october oct \
         november nov december dec",
    ),
    (Role::Oh, "oh o"),
    (Role::Hundred, "hundred"),
    (Role::Thousand, "thousand"),
    (Role::Million, "million billion"),
    (Role::Repeat(2), "double"),
    (Role::Repeat(3), "triple treble"),
    (Role::Repeat(4), "quadruple"),
    (Role::Ordinal(30), "thirtieth"),
    (Role::SoundsLike(2), "to too"),
    (Role::SoundsLike(4), "for"),
    (Role::SoundsLike(8), "ate"),
    (Role::SoundsLike(1), "won"),
    (Role::And, "and"),
    (Role::Plus, "plus"),
    (Role::At, "at"),
    (Role::Dot, "dot"),
    (Role::Point, "point period"),
    (Role::Joiner, "dash hyphen underscore minus"),
    (Role::Last, "last final"),
    (Role::CountedAs, "digit digits numbers"),
    (Role::Correction, "no wait sorry not i mean actually correction scratch strike oops"),
    (
        Role::Filler,
        "uh uhm um umm er erm ah eh hmm hm mm mhm huh okay ok then so yeah yes yep right alright well like that that's \
         thats it it's its space comma next again let let's me see hold on got followed by finally lastly the rest is now \
         ready you know please are sec here number",
    ),
    (
        Role::Measure,
        "dollars dollar bucks cents percent pounds euros grand units miles feet inch inches minutes minute hours hour \
         days day weeks months years year people times degrees am pm o'clock grams milligrams gallons seconds moment \
         users customers items pieces boxes copies",
    ),
];

/// What people say while they look for the rest, between commas.
pub(super) const PAUSES: &str = "one second, one sec, one moment, one minute, a second, a sec, a moment, a minute, hang on, \
    let me check, let me find it, let me get it, let me grab it, let me get my wallet, let me get my card, \
    let me grab my wallet, let me grab my card, let me look, give me a second, give me one second, where is it, \
    what is it, what was it, are you there, can you hear me, got that, you got that, did you get that, with me so far, \
    i can't read it, sorry about that, ends with, ending with, ending in, starts with, starting with, begins with";

/// Before "four are": they count digits.
pub(super) const COUNTING: &str = "first next other middle";

/// "My social ends in": its last digits come.
pub(super) const ENDS: &str = "ending ends end";

/// Between the parts of a date.
pub(super) const IN_DATES: &str = "of in the";

/// Right before an e-mail address.
pub(super) const ADDRESSING: &str = "to contact write cc reach it's that's its";

/// Between what something is and what it reads.
pub(super) const SAYING: &str = "is are it's its that's address to";

/// After "at": "at sign".
pub(super) const SIGNS: &str = "sign symbol";

/// Words before "one" that make it a pronoun.
pub(super) const BEFORE_PRONOUN: &str = "this that the which another no any some every next good big other only each new old better best a first wrong right";

/// Words after "one" that make it no digit of a longer number.
pub(super) const AFTER_PRONOUN: &str = "of more thing day time who sec second moment minute is called that for";

/// What stands between "date of birth" and the date without changing what the date is of.
pub(super) const LIGHT: &str = "is was are were on the it it's its be would in my your his her and of a uh um so as i have \
    for you me that's sure yes yeah okay ok well i'm i've got coming up here s that will falls lands file record date d o actually mean hmm let see";

/// What makes a date after "birthday" or "born" another thing's date.
pub(super) const OTHER_DATES: &str = "appointment meeting order delivery party due scheduled sale invoice see moved since \
    visit expires sold started married met came come but until ship shipped call before after when years days weeks \
    months required needed to";

/// What no e-mail address begins with: where the part before "at" ends, looking back.
pub(super) const NOT_IN_ADDRESS: &str = "is was are be it's its it that's that this the my your his her our their email \
    e-mail mail mails emails address to at me us him them write send contact reach from with under use try cc or and via \
    through name name's than here please by so um uh okay ok yeah yes sure well alright right then quote would called on \
    in for of a an i you we they have has email's mail's e like spell down wrote just now got as personal work also can \
    will";

/// Before "at": a sentence about a web site, no address of a person.
pub(super) const SITES: &str = "us i i'm he he's she she's we we're they they're you're me you them him her it look looked looking shop shopped visit find online available \
    website site page store now are is be was were am here order ordered buy bought more out back home work works working \
    check that this there one and or deals live stay people met booked saw read posted listed sold hosted sign signed \
    login logged apply applied up registered account accounts went jobs job";

/// Domains at which people have addresses, as they are said.
pub(super) const PROVIDERS: &str = "gmail yahoo hotmail outlook aol icloud msn comcast verizon protonmail proton att \
    sbcglobal ymail gmx googlemail cox bellsouth charter earthlink";

/// What the last part of a spoken domain may be.
pub(super) const DOMAIN_ENDS: &str = "com net org edu gov mil info biz io ai co us uk ca de fr es it nl ch at au nz eu in \
    ie be se no dk fi pl pt br mx me tv app dev jp online support email gmbh";

/// Phrases that say what the number, date or address beside them is, between commas. The longest counts.
pub(super) const TOPICS: &[(Topic, &str)] = &[
    (
        Topic::Card,
        "card, cards, visa, mastercard, master card, amex, american express, discover card, credit, debit, \
         credit card account number, card account number",
    ),
    (Topic::Social, "social, social security, ssn, s s n, social security number, taxpayer"),
    (
        Topic::Phone,
        "phone, phones, telephone, cell, cellphone, mobile, call, callback, reach, dial, area code, fax, text, ring, \
         contact me, contact us, message me, voicemail, whatsapp, landline, my number, his number, her number, our number, best number, contact number, home number, \
         work number, number to call, hotline, toll free",
    ),
    (Topic::Bank, "iban, i ban, bank account, checking account, savings account, bank number"),
    (
        Topic::Birth,
        "born, date of birth, birth date, birthdate, dob, d o b, date of my birth, date of his birth, date of her birth, \
         date of their birth, day of birth",
    ),
    (Topic::Birthday, "birthday, birthdays, birth day, bday, b day"),
    (Topic::Mail, "email, e mail, mail, emails, mail address, email address"),
    (
        Topic::Harmless,
        "order, invoice, policy, tracking, confirmation, reference, ticket, case, claim, serial, model, flight, \
         membership, member, booking, reservation, part, item, sku, upc, isbn, vin, license, plate, routing, extension, \
         ext, zip, postal, version, lot, batch, po, p o, purchase order, student, employee, account number, \
         customer number, quote, loan, transaction, lottery, check number, code, pin, error, product, barcode, id, score, \
         room, suite, box, meter, docket, bill, receipt, statement, ein, registration, shipment, package, parcel, \
         model number, serial number, ip, form, permit, asset, job, work order, contract, passport, badge, group, record, \
         prescription, rx, article, catalog, stock, activation, vehicle, subscriber, population, timestamp, application, rma, pnr, asin, \
         gtin, ean, imei, promo, coupon, voucher, file, report, incident, request, waybill, container, load, meeting id, \
         conference, certificate, locker, deed, title, warranty, campaign, conversation",
    ),
    (
        Topic::Nothing,
        "social media, social worker, social event, call it, report card, business card, happy birthday, mail order, sim card, \
         library card, memory card, green card, born to, born with, born again, born for, birth certificate, \
         birthday party, birthday card, birthday gift, call volume, call center, phone bill",
    ),
];
