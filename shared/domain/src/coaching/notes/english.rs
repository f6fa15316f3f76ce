//! English cues. Words are in lower case, contractions spelled out ("let us", "i will"), phrases parted by a bar.
//!
//! A word that is missing here costs a note; a word too many invents one. So deeds are concrete, and what people say
//! out of politeness is left out.

use super::{
    cues::{Cues, Words},
    reading::Phrases,
};

fn words(list: &'static str) -> Words {
    list.split_whitespace().collect()
}

pub(super) fn cues() -> Cues {
    Cues {
        fillers: words("uh um uhm er erm ah eh hmm hm mm mhm uh-huh oh well so like moment second sorry"),
        negations: words("not never no without neither nor nothing none nobody hardly"),
        conditions: words("if unless whether when before until suppose"),
        turns: words("but though however although"),
        joins: words("and but so then because or also"),
        openers: words(
            "i we you he she they it that this please can could would let someone somebody there my our the do make \
             sounds perfect what how",
        ),
        promises: Phrases::of(
            "i will|we will|i am going to|we are going to|i shall|we shall|i need to|we need to|i have to|we have to|\
             i must|i will have to|i will need to|we will have to|we will need to|i would have to|i have got to|\
             i promise to|i am about to|i plan to|we plan to|i should|we should|remind me to|i want to remember to",
        ),
        third_parties: Phrases::of(
            "someone will|somebody will|they will|he will|she will|team will|technician will|specialist will|\
             colleague will|manager will|office will|department will|representative will|supervisor will|\
             accountant will|wife will|husband will|boss will|assistant will|driver will",
        ),
        ours: words("our my"),
        demands: Phrases::of(
            "can you|could you|would you|will you|please|you need to|you have to|you must|you should|\
             you will need to|you will have to|you would need to|make sure to|make sure you|make sure that you|\
             i need you to|i would need you to|i want you to|do not forget to|remember to|be sure to",
        ),
        between: words(
            "please also then just definitely certainly gladly go ahead and quickly first now still really \
             probably maybe try to have need personally always be kindly right away actually be sure do my best",
        ),
        softeners: words(
            "still also just really definitely finally then probably already certainly gladly actually now maybe \
             simply kindly quickly only absolutely",
        ),
        deeds: Phrases::of(
            "send|email|mail|text|call|phone|ring|schedule|book|arrange|prepare|bring|pay|sign|fill|submit|upload|\
             forward|contact|reach out|deliver|ship|transfer|refund|credit|replace|fix|repair|order|cancel|write|\
             draft|file|discuss|talk to|talk with|talk that|talk this|talk it|speak to|speak with|ask|follow up|\
             review|update|confirm|check|set up|provide|add|remove|change|print|finish|buy|pick|drop|visit|come|\
             meet|return|register|apply|install|reserve|notify|renew|collect|invoice|clean|plan|organize|\
             get back to|get in touch|look into|research|compare|sort|fax|enroll|complete|post|start|stop",
        ),
        idle: Phrases::of(
            "ask you|call it|check that for you|check if you|add that|come back to that|start by|start with|stop you|\
             stop there|confirm your|confirm some|confirm a|confirm that you|file for|check your|check the system|\
             change my mind|discuss that with you|talk to you about|speak to you about|pay attention",
        ),
        asked_deeds: Phrases::of(
            "send|email|mail|text|call|phone|schedule|book|arrange|prepare|bring|pay|sign|fill|submit|upload|\
             forward|contact|deliver|ship|transfer|refund|credit|replace|fix|repair|order|cancel|write|file|\
             review|update|add|remove|change|print|return|register|apply|renew|collect|fax|complete|install",
        ),
        agreeing: Phrases::of(
            "let us do it|let us do that|let us do this|let us go ahead|let us go with|let us get started|\
             i will take it|i will take that|i will take this|we will take it|i will sign up|we will sign up|\
             i will go with|we will go with|i will sign|sign me up|sign us up|count me in|count us in|\
             i am on board|you have a deal|we have a deal|it is a deal|that is a deal|you have got a deal|\
             we are agreed|we agreed on|we agreed to|we agreed that|we have agreed|we are all set for|\
             you are all set for|you are booked|i have you down for|i have you booked|i have you scheduled|\
             you are scheduled|i would like to go ahead|i want to go ahead|we would like to go ahead|i accept",
        ),
        assenting: Phrases::of(
            "sounds good|sounds great|sounds perfect|sounds fine|sounds fair|sounds like a plan|that works|\
             this works|works for me|works for us|that would work|that will work|that suits me|i agree|we agree|\
             that is fine|that is good|that is perfect|that is great|fine with me|fine by me|good for me|\
             okay with me|happy with that|i can do that|we can do that|i can make that|see you|agreed|deal",
        ),
        yes: Phrases::of(
            "yes|yeah|yup|sure|okay|ok|all right|perfect|great|of course|absolutely|definitely|certainly|deal|fine|\
             good|wonderful|excellent|very good|please do|let us do",
        ),
        suits: Phrases::of(
            "is good|is fine|is okay|is ok|is great|is perfect|is better|works|sounds good|sounds great|sounds fine|\
             will work|would work|would be good|would be great|would be fine|suits me|it is|then",
        ),
        proposals: Phrases::of(
            "shall we|how about|what about|let us|why do not we|should we|i suggest|i propose|may i suggest",
        ),
        dated_proposals: Phrases::of(
            "can we|could we|would you like to|do you want to|we can|we could|i can|i could|i will|we will|does|\
             would|is|are you free|are you available|may i|can i|could i|shall i|should i|we would need",
        ),
        content: Phrases::of(
            "that makes sense|makes sense|fair enough|i understand|i see|that helps|that is helpful|good to know|\
             that is good|that is great|that is fine|that is fair|that is reasonable|sounds good|sounds fair|\
             sounds reasonable|sounds great|that works|works for me|i like that|\
             let us do it|let us do that|i will take it|sign me up|that is better|in that case|\
             i feel better|good point|that convinces me|you have convinced me",
        ),
        pains: Phrases::of(
            "problem|problems|issue|issues|trouble|struggle|struggling|struggled|frustrated|frustrating|\
             frustration|annoying|annoyed|broken|broke down|does not work|do not work|did not work|not working|\
             stopped working|keeps crashing|keeps failing|keeps breaking|crashes|worried|worries me|stressed|\
             overwhelmed|too slow|takes too long|takes forever|wasting|waste of|losing|lost money|lose sleep|\
             tired of|sick of|fed up|complicated|confusing|confused|difficult|hard to|headache|nightmare|\
             behind on|late fees|fall behind|leaking|leaks|damaged|delayed|never arrived|still waiting|mistake|\
             overcharged|charged twice|cannot keep up|cannot sleep|cannot pay|hate|disappointed",
        ),
        question_words: words("what how when where why who which whose"),
        question_followers: words(
            "much many long often far about come kind sort time else happens happened if exactly soon big large old \
             color colour day number date i we you",
        ),
        auxiliaries: words("can could do does did is are was were will would should have has may am shall"),
        question_subjects: words(
            "i we you he she it they there that this these those the my your our his her their any anyone anybody \
             someone",
        ),
        courtesies: Phrases::of(
            "how are you|how may i help|how can i help|how may i assist|how can i assist|how do you do|you know what|\
             can you hear|how is it going|what is up|anything else|is that all right|is that okay|okay with you|\
             all right with you|is that right|is that correct|am i speaking|may i speak|who knows|why not",
        ),
        tags: words("right okay ok yeah yes correct huh"),
        put_off: Phrases::of(
            "i do not know|we do not know|i am not sure|we are not sure|not sure|no idea|i have to check|\
             i will have to check|i would have to check|i need to check|i will check|let me check|get back to you|\
             i will find out|let me find out|good question|i cannot say|i cannot tell|i will have to ask|\
             i would have to ask|i will have to look|i do not have that|do not remember",
        ),
        numbers: words(
            "a one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
             seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand \
             million billion half",
        ),
        weak_numbers: words("a"),
        tens: words("twenty thirty"),
        vague_numbers: words("few couple of several"),
        articles: words("the"),
        magnitudes: words("hundred thousand million billion half"),
        number_joins: words("and"),
        units: words("dollar dollars bucks buck cents euro euros pound pounds percent per-cent grand usd eur gbp"),
        days: words(
            "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays \
             today tomorrow tonight",
        ),
        months: words("january february march april may june july august september october november december"),
        ordinals: words(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
             fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth",
        ),
        relative: Phrases::of(
            "the day after tomorrow|day after tomorrow|end of the day|the end of the day|end of the week|\
             the end of the week|end of the month|the end of the month|end of the year|the end of the year|\
             end of day|end of week|as soon as possible|right away|first thing in the morning|first thing tomorrow|later today|the weekend|this weekend|\
             over the weekend",
        ),
        spans: words("minute minutes hour hours day days week weeks month months year years quarter weekend"),
        nearness: words("next this coming following"),
        within: words("in within after"),
        due_leads: words("by on before until till from the next this coming for no later than"),
        day_parts: words("morning afternoon evening night noon midnight lunch"),
        clock: words("o'clock am pm a.m p.m sharp thirty fifteen forty-five"),
        clock_leads: words("at around about by before after"),
        passing: words("soon away today tonight minute minutes hour hours right"),
        titles: words("mr mrs ms mister missus miss dr doctor professor"),
        names: Phrases::of("my name is|your name is|his name is|her name is|my name's|the name is|call me"),
        likely_names: Phrases::of(
            "this is|speaking with|speaking to|speak with|speak to|spoke with|spoke to|talking to|talking with|\
             talked to|talked with|lunch with|meeting with|met with|met|ask for|hi|hello|thank you|thanks",
        ),
        introductions: Phrases::of("this is|my name is|i am|it is"),
        after_name: words("from calling speaking with at"),
        organizations: Phrases::of(
            "calling from|calling on behalf of|on behalf of|i am with|i work for|i work at|we work with|\
             thank you for calling|thanks for calling|welcome to",
        ),
        from: words("from with at of"),
        suffixes: words(
            "inc incorporated llc ltd limited gmbh corp corporation company co bank insurance group agency services \
             solutions partners associates university college hospital clinic foundation union energy solar \
             financial holdings logistics motors airlines telecom mortgage realty",
        ),
        plain: words(
            "a an the i we you he she it they them us me my your our his her their its this that these those here \
             there and or but so then than because if when while as at in on of for from to by with about into over \
             under after before is are was were be been being am do does did done have has had will would can could \
             should shall may might must not no yes yeah okay ok sure well just really very too also still again \
             already now today tomorrow yesterday tonight morning afternoon evening night day days week weeks month \
             months year years time times good great fine nice bad new old more most much many some any all every \
             each other another one two three four five six seven eight nine ten first last next hello hi hey \
             thank thanks please sorry what which who how why where calling call called calls speaking talk talked \
             going go went get got gotten getting make made take took come came say said see saw know knew think \
             thought want wanted need needed like liked feel felt let lets lot little bit thing things something \
             anything everything nothing someone somebody people way back up down out off only even maybe never \
             always ever quite pretty right left long short big small few half put give gave tell told ask asked \
             use used try tried keep kept work worked works find found look looked monday tuesday wednesday thursday \
             friday saturday sunday don't mister missus miss doctor mr mrs ms ma'am sir everyone guys home both \
             through around later soon finished wrote met sent bought paid himself herself myself together later \
             minute minutes hour hours since until whole such same own regarding happy glad afraid interested busy \
             hundred thousand eleven twelve fifteen twenty thirty forty fifty sixty",
        ),
        doers: words("i we"),
        past: words(
            "finished went met called sent wrote talked spoke fixed made bought paid got took did ran read saw gave \
             found cleaned cooked built sold told brought drove taught put cut began",
        ),
        past_ending: "ed",
        past_exceptions: words("need feed indeed tired used wanted needed supposed worried excited scared bored"),
        feelings: Phrases::of(
            "i feel|i felt|i am feeling|i am so|i am really|i am very|i am quite|i am a bit|i am pretty|i am|\
             feeling",
        ),
        sentiment: FEELINGS.iter().flat_map(|(weight, list)| list.split(' ').map(|word| (word, *weight))).collect(),
        unfeeling: Phrases::of(
            "good morning|good afternoon|good evening|good day|no problem|not a problem|good question|\
             goodbye|good bye|of course|a good time|good time to",
        ),
    }
}

const FEELINGS: &[(i8, &str)] = &[
    (3, "love amazing excellent fantastic wonderful awesome thrilled delighted outstanding brilliant"),
    (2, "great happy perfect glad pleased excited impressed beautiful proud grateful relieved enjoy enjoyed"),
    (
        1,
        "good nice thanks appreciate helpful easy better comfortable interested like calm fun quick fair \
         reasonable smooth hopeful",
    ),
    (
        -1,
        "problem issue slow late wrong confused confusing expensive difficult hard tired unfortunately worried \
         trouble complicated delay delayed mistake broken stress unsure concern concerned sad",
    ),
    (
        -2,
        "bad angry frustrated frustrating annoyed annoying upset disappointed disappointing unhappy scam rude \
         useless stressed overwhelmed worse afraid poor complaint complain exhausted",
    ),
    (-3, "terrible awful horrible hate worst ridiculous unacceptable disgusting furious nightmare fraud miserable"),
];
