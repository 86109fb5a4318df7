"""Matching: whose message is it?

The bot names nobody. It answers in the channel, where our jobs, jobs that have ended and the
account's owner all ask it. A message is told by evidence (evidence.py), strongest first; where no
evidence says anything, by its likeness to what was asked (likeness.py), which is weak.

    evidence     who has it                              by hand?
    nonce        we made it; Discord repeats it once     no
    message      Discord numbers it                      no
    interaction  Discord numbers it                      no
    hash         the bot's uuid of one result            no
    seed         the uuid in a direct message            no
    upload       our file name, with the nonce in it     yes, with the very same file
    reference    it replies to the job's own message     yes, by a press on it
    likeness     the prompt, or target and deed          yes

Two identical prompts. The second waits until the first shows what tells them apart (R15).

    A  imagine "a red fox"      nonce 11
    B  imagine "a red fox"      waits for A
       progress, nonce 11       A, by nonce; so the message is A's
       its edit, uuid 7         A, by message; so the uuid is A's, and B is asked: nonce 12
       picture, uuid 8          looks like both, but A has another uuid: B, by likeness
       picture, uuid 7          A, by hash

They cannot swap: a key stays with the job that had it first, and a job that shows a uuid gets no
message with another. Where A shows nothing in time and B is asked, a picture that names nobody is
held, history is read once, and what is still either's is given to neither (R20).

The account's owner by hand. Same user, same channel, same prompt (R23).

    A  imagine "a red fox"      nonce 11
       by hand, the same        interaction 5, nonce 99: no job's, so it is disowned
       progress, nonce 99       nobody's; a stranger with that prompt
       picture, no nonce        looks like A and like the stranger: held for both
       progress, nonce 11       A, by nonce
       its edit, uuid 7         A, by message
       the held one, uuid 8     A has another uuid: the stranger's

Strangers count as owners, too. An interaction of which nothing is known may own
any picture that names nobody, until its own answer comes or a day has passed: that it is queued, or
that something is described, is no answer. An edit of what it may have pressed is nobody's.
The README names asks by hand that are not recognised ("With the real Discord").

More works than asks. Of ours nothing is heard but its picture (R20, elimination.py).

    A  imagine "a red fox"      nonce 12; its first messages are lost
       picture, uuid 7          looks like A: held, for A's interaction may still be told
       progress, interaction 5  A's, or a stranger's; younger than uuid 7, so another work
       its picture, uuid 8      A's, or the stranger's: held
       all works, one ask each  uuid 7 is nobody else's, so A's; then uuid 8 is the stranger's

Each picture that waits and each progress that nobody could claim is a work of one ask. A picture is
given away when in no way of giving each work to an ask it is anybody else's.

A press by reply. What is pressed is older than the ask, so its message tells nothing by itself.

    A  button V1 on message 5   nonce 11
    B  button V1 on message 5   waits for A, as a look-alike does
       picture, replies to 5    "zoom out": a known deed, not that of A: nobody's
       picture, replies to 5    "variations": A, by likeness; if an ask by hand is still
                                unanswered, it may be that one's: held

They cannot swap: of one message and one deed one press is open at a time, and an answer that names
another interaction than the job's is not its.
"""
