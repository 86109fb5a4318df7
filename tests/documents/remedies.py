"""Errors for readers: when each is answered, and what the caller can do.

GROUPS follows SENTENCES: one table of docs/api.md for each thing that a path does. A sentence of
the code that has no row here stops the page from being written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from waystation.api.sentences import Does, Sentence
from waystation.midjourney.refusals import CODES, ERRORS, Ending

__all__ = ["GROUPS", "REMEDIES", "Remedy", "remedy_of"]


class Remedy(NamedTuple):
    """When an error is answered, and what to do."""

    when: str
    do: str


GROUPS: Mapping[Does, str] = {
    "answers": "Every path",
    "asks the store": "Paths that use the database",
    "authenticates": "Paths that need a token",
    "needs a subscription": "Paths that need a subscription",
    "reads a body": "Paths with a body",
    "reads a number": "Fields with a number",
    "takes a reference": "replyUrl and other texts",
    "names a job": "Paths that name a job",
    "cancels": "Cancelling",
    "asks the bot": "Answers of the bot",
    "changes an option": "Changing a setting of Midjourney",
    "submits": "Sending a job",
    "chooses an account": "Choosing an account",
    "takes a slot": "Jobs with a slot",
    "takes a lane": "Jobs without a slot",
    "needs text": "Fields that must have a text",
    "takes text": "Fields with a text",
    "takes a picture": "Fields with a picture",
    "takes pictures": "Fields with pictures",
    "uploads": "Uploading pictures",
    "looks at pictures": "Looking at pictures",
    "takes a prompt": "Prompts",
    "takes a mask": "Masks",
    "names a parent": "Jobs that act on another job",
    "presses": "Pressing a button",
    "reacts": "Asking for a seed",
    "lists accounts": "Listing accounts",
    "names a channel": "Paths that name a channel",
    "sets an account up": "Setting an account up",
    "resets": "Resetting an account",
    "finds the channel": "Setting an account up in its direct messages",
    "is told the channel": "Setting an account up in a server",
    "is a probe": "The readiness probe",
}
"""What a path does → the heading of its errors."""

_AGAIN = "Send the job again."
_CORRECT = "Correct the field."
_WAIT = "Wait as `Retry-After` says, then ask again."
_DISCORD = "Ask again in a minute. `waystation doctor` looks at the connection."
_PERSON = "A person opens Discord, does what it asks for, and then resets the account."
_LATER = "Look for the result in Discord. Send the job again if there is none."
_SHORTEN = "Shorten it; the table of the path has the limit."
_CHANNEL = "Name a channel that `GET /v2/account/midjourney` lists."
_PICTURE = "Send another picture."

_BOT: Mapping[Ending, Remedy] = {
    Ending.MODERATED: Remedy(
        "Midjourney refused the prompt or the picture by its content rules.",
        "Change the prompt or the picture.",
    ),
    Ending.BAD_INPUT: Remedy(
        "The bot cannot use the prompt, a parameter or a picture.",
        "Read `errorDetails`, and correct the request.",
    ),
    Ending.TRANSIENT: Remedy("The bot failed.", _AGAIN),
    Ending.BUSY: Remedy("The bot takes no more jobs now.", _WAIT),
    Ending.QUEUED: Remedy(
        "Midjourney will run the job later. Waystation does not wait for it.",
        "Look for the result in Discord.",
    ),
    Ending.HALT: Remedy("The bot wants a person. The account is halted.", _PERSON),
}

REMEDIES: Mapping[str | tuple[str, int], Remedy] = {
    **{
        (title, CODES[row.ending]): _BOT[row.ending]
        for row in ERRORS
        if row.ending in _BOT
        for title in row.titles
    },
    "Internal error": Remedy(
        "Waystation has a fault.", "Look for the id of `errorDetails` in the log, and report it."
    ),
    "The database refused or could not be used.": Remedy(
        "The database is busy, full or broken.", "Ask again. `/readyz` tells whether it lasts."
    ),
    "Unauthorized": Remedy(
        "The token is missing, wrong or revoked.",
        "Send `Authorization: Bearer user:<id>-<secret>`.",
    ),
    "Too many failed logins from this address; wait a minute": Remedy(
        "The address has sent too many wrong tokens.", "Correct the token, and wait a minute."
    ),
    "<limit> requests of this user are under way; wait for their answers": Remedy(
        "The user waits for too many answers at once.", "Wait for an answer, then ask again."
    ),
    "Account has no subscription or subscription expired": Remedy(
        "The user's expiry date has passed.",
        "The operator runs `waystation users expire`.",
    ),
    "Request body is not valid JSON": Remedy("The JSON is broken.", "Correct the JSON."),
    "Request body must be a JSON object": Remedy(
        "The JSON is a list, a text or a number.", "Send an object with fields."
    ),
    "Request body is not a valid form": Remedy("The form is broken.", "Correct the form."),
    "The form's charset is not supported; send it as utf-8": Remedy(
        "The form names another charset.", "Send the form as UTF-8."
    ),
    "<field> must be a string": Remedy("The field is a number, a list or an object.", _CORRECT),
    "<field> must not contain a NUL character": Remedy(
        "The text has a character with code 0.", "Remove the character."
    ),
    "Request body did not arrive in time": Remedy(
        "The body took longer than it may.", "Send the request again over a faster connection."
    ),
    "The request body is too large.": Remedy(
        "The body has more bytes than it may have.", "Send less: a URL instead of a file part."
    ),
    "Request body must be JSON or multipart/form-data, not <type>": Remedy(
        "The body is of another type.", "Send JSON, or a form with the same fields."
    ),
    "Too many large requests at once; try again": Remedy(
        "The user's place for large bodies stayed full.", _WAIT
    ),
    "<field> must be a whole number": Remedy("The field is no whole number.", _CORRECT),
    "<field> is too long": Remedy("The text is too long.", _SHORTEN),
    "replyUrl is not a valid http or https URL": Remedy(
        "`replyUrl` cannot be read as a URL.", _CORRECT
    ),
    "replyUrl cannot be called: <reason>": Remedy(
        "`replyUrl` names a private address.",
        "Name a public address, or have the operator set `allow_networks`.",
    ),
    "Query param jobid not provided": Remedy("`?jobid=` is missing or empty.", "Add the jobid."),
    "Unable to locate job <jobid>": Remedy(
        "The caller has no such job. Old jobs are deleted.", "Check the jobid."
    ),
    "The job's account is not connected at the moment; try again": Remedy(
        "Nothing can be asked of Discord for this account now.", "Ask again in a few seconds."
    ),
    ("<title>", 400): Remedy(
        "A title of the bot that begins with `Invalid`, and that Waystation does not know.",
        "Read `errorDetails`, and correct the request.",
    ),
    ("<title>", 502): Remedy("A title of the bot that Waystation does not know.", _AGAIN),
    "Job was removed by the bot": Remedy(
        "The bot deleted its message and showed no other.", "Change the prompt or the picture."
    ),
    "<field> means nothing without <field>": Remedy(
        "Of two fields that belong together one is missing.", "Send both fields, or neither."
    ),
    "No such option": Remedy(
        "The account's settings have no such label.", "Name a label that `settings` lists."
    ),
    "Option cannot be turned off": Remedy(
        "The option is one choice of several.", "Choose another option of its menu."
    ),
    "<limit> jobs were taken for this account within a minute; wait": Remedy(
        "The account has taken all jobs that it can send soon.", _WAIT
    ),
    "The account's connection to Discord was lost while the job waited": Remedy(
        "The connection broke, and nothing was sent.", _AGAIN
    ),
    "The account's connection to Discord was not ready within <time>": Remedy(
        "The account was not connected, and nothing was sent.", _DISCORD
    ),
    "The job was not sent to Discord in the time of its request": Remedy(
        "The POST ended before the job was sent.", _AGAIN
    ),
    "The job's turn did not come within <time>: an account sends one job after the other": Remedy(
        "Other jobs of the account were ahead of it.", "Send fewer jobs at once."
    ),
    "A job that looks the same did not show which result is its own within <time>": Remedy(
        "Two equal jobs would be mistaken for each other.",
        "Send the job again when the other one has ended.",
    ),
    "The picture was not uploaded to Discord within <time>": Remedy(
        "The upload was too slow.", _AGAIN
    ),
    "A fault of Waystation itself stopped the job; its log says which": Remedy(
        "Waystation has a fault.", "Report the lines of the log."
    ),
    "Waystation was stopped before the job was sent to Discord": Remedy(
        "The operator stopped the service.", _AGAIN
    ),
    "Waystation was restarted before the job was sent to Discord": Remedy(
        "The service was restarted.", _AGAIN
    ),
    "Waystation was restarted before the mask was sent": Remedy(
        "The service was restarted, and masks are not stored.", _AGAIN
    ),
    "The account was removed before the job was sent to Discord": Remedy(
        "The account was deleted.", "Send the job to another account."
    ),
    "The account was stopped and set up anew before the job was sent to Discord": Remedy(
        "The account was halted and reset meanwhile.", _AGAIN
    ),
    "Nobody could connect to the job's Discord account in time": Remedy(
        "No process could use the account.", _DISCORD
    ),
    "restored": Remedy("The database was restored from a backup while the job ran.", _LATER),
    "Waystation is stopping or its store is down; try again shortly.": Remedy(
        "The service stops, or its database cannot be used.", _WAIT
    ),
    "Your Discord account has received a pending moderation message from Midjourney. "
    "Please address this issue and POST account/midjourney/<channel>/reset "
    "before making any new API calls.": Remedy("The account is halted.", _PERSON),
    "The account was halted before the job was sent to Discord": Remedy(
        "The account was halted while the job waited.", _PERSON
    ),
    "Discord rejected the token of your Discord account. Please POST "
    "account/midjourney<channel> with a new token before making any new API calls.": Remedy(
        "The account is halted, because its token has ended.",
        "Set the account up with a new token.",
    ),
    ("Discord /interactions failed with HTTP status <status>", 400): Remedy(
        "The message or the form that the job acts on is gone.",
        "Start from a newer job.",
    ),
    "Discord /interactions failed with HTTP status 429": Remedy(
        "Discord asks the account to wait.", _WAIT
    ),
    ("Discord /interactions failed with HTTP status <status>", 502): Remedy(
        "Discord refused the request.", "Read `errorDetails`."
    ),
    ("Discord /interactions failed with HTTP status <status>", 596): Remedy(
        "Discord refused the account. It is halted.", _PERSON
    ),
    "Midjourney bot did not reply within <time>": Remedy("The bot showed nothing.", _LATER),
    "Job did not finish within <time>": Remedy("The bot did not end the job.", _LATER),
    "Result could not be told apart": Remedy(
        "A picture may be of one or the other of two equal jobs.",
        "Look for the result in Discord. Send equal jobs one after the other.",
    ),
    "reply lost": Remedy(
        "The connection broke while the bot answered, and this answer cannot be read later.",
        _AGAIN,
    ),
    "The account was removed": Remedy(
        "The account was deleted while the job ran.", "Send the job to another account."
    ),
    "Discord's command index came too late": Remedy("Discord was slow; nothing was sent.", _AGAIN),
    "no time was left to submit; nothing was sent": Remedy("Discord was slow.", _AGAIN),
    "not connected to Discord's gateway; nothing was sent": Remedy(
        "The connection broke a moment before.", _AGAIN
    ),
    "Discord refused too many requests of this installation; nothing is sent to it now": Remedy(
        "Too many refusals of Discord in ten minutes.",
        "Wait ten minutes. The operator looks in the log for the cause.",
    ),
    "Discord asked to wait <seconds> s": Remedy(
        "Discord asks to wait longer than a request may take.", "Ask again after this time."
    ),
    "no answer from Discord: <reason>": Remedy("Discord did not answer.", _DISCORD),
    "no connection to Discord: <reason>": Remedy("Discord cannot be reached.", _DISCORD),
    "no connection to the region editor": Remedy(
        "The host for masks cannot be reached.", "The operator looks at `activity_url`."
    ),
    "Discord answered with HTTP status <status>": Remedy(
        "Discord answered otherwise than it should.", "Read `errorDetails`, and ask again."
    ),
    "Discord asks for a human check (CAPTCHA)": Remedy(
        "Discord wants to see a person. The account is halted.", _PERSON
    ),
    "Discord rejected the account's token.": Remedy(
        "The token has ended. The account is halted.", "Set the account up with a new token."
    ),
    "Discord wants a person to look at the account.": Remedy(
        "Discord has limited the account. It is halted.", _PERSON
    ),
    "<field> must be one of <choices>": Remedy("The field has another value.", _CORRECT),
    "<field> must be true or false": Remedy("The field has another value.", _CORRECT),
    "mode <mode> cannot be asked for here, and the account is not in it": Remedy(
        "This job cannot set a mode.", "`POST /v2/jobs/<mode>` first, or leave `mode` out."
    ),
    ("Configuration not found", 400): Remedy(
        "The caller has no Discord account.", "Set an account up."
    ),
    "Configuration not found for provided channel": Remedy(
        "The caller has no account in this channel.", _CHANNEL
    ),
    "discord, server or channel value is missing": Remedy(
        "The caller has several accounts, or `discord` or `server` came without `channel`.",
        _CHANNEL,
    ),
    "maxJobs <maxJobs> is not between 1 and <limit>": Remedy(
        "The number is too small or too large.", _CORRECT
    ),
    "Maximum of <maxJobs> jobs executing in parallel supported": Remedy(
        "The account's slots are full.", "Wait until a job of `executingJobs` has ended."
    ),
    "<limit> jobs without a slot wait on this account already": Remedy(
        "More cannot be sent in time.", _WAIT
    ),
    "<field> is missing": Remedy("The field is not there.", "Add the field."),
    "<field> is empty": Remedy("The text has no character but spaces.", "Fill the field."),
    "<field> is not a valid http or https URL": Remedy("The text is no URL.", _CORRECT),
    "<field> and <part> cannot be given together": Remedy(
        "The picture was sent twice: as a URL and as a file.", "Send one of the two."
    ),
    "<part> is empty": Remedy("The file has no bytes.", _PICTURE),
    "<field> must be a list of URLs": Remedy("The field is no list of texts.", _CORRECT),
    "<field> must name <fewest> to <most> pictures": Remedy(
        "URLs and files together are too few or too many.", "Send as many as the error names."
    ),
    "<field> holds what is no valid http or https URL": Remedy(
        "One of the texts is no URL.", _CORRECT
    ),
    "Discord refused the picture as too large": Remedy(
        "The file is too large for this account's Discord plan.", "Send a smaller picture."
    ),
    "Discord named no place for the upload": Remedy("Discord answered without a place.", _AGAIN),
    "the upload broke off: <reason>": Remedy("The connection broke.", _AGAIN),
    "the upload was answered with HTTP status <status>": Remedy(
        "Discord's store for files refused it.", _AGAIN
    ),
    "GET <url> failed with <reason>": Remedy(
        "The picture's host did not answer with the picture.", "Open the URL in a browser."
    ),
    "<picture> unknown mime type": Remedy("The file is no picture that can be used.", _PICTURE),
    "<picture> is larger than <limit> bytes": Remedy(
        "The file is too large.", "Send a smaller picture."
    ),
    "<picture> has more than <limit> pixels": Remedy(
        "The picture is too large.", "Send a smaller picture."
    ),
    "Too many requests with pictures at once; try again": Remedy(
        "The user's places for pictures stayed full.", _WAIT
    ),
    "<field> asks for <count> results; a job has one": Remedy(
        "A list in braces or `--repeat` asks for several.", "Send a job for each of them."
    ),
    "<field> is not a PNG or WebP in base64": Remedy("The mask cannot be read.", _CORRECT),
    "mask is not supported for button <button>": Remedy(
        "This button takes no mask.", "Leave `mask` out."
    ),
    "mask is required for button <button>": Remedy("This button needs a mask.", "Add `mask`."),
    "mask must have the size of the picture": Remedy(
        "The mask is wider or higher, or less so.", "Draw the mask in the picture's size."
    ),
    "<field> has nothing white: nothing would be painted anew": Remedy(
        "The mask has no white spot.", "Paint white what is to be drawn again."
    ),
    "Button not supported or not found in jobid buttons array": Remedy(
        "The job does not show this button.", "Name a label that the job lists in `buttons`."
    ),
    "prompt is required for button <button>": Remedy(
        "This button needs a prompt.", "Add `prompt`."
    ),
    "Button <button> already executed by job <jobid>": Remedy(
        "The button works once, and was pressed before.", "Read the job that the error names."
    ),
    "jobid is not a completed job": Remedy(
        "The job runs, or has ended without a result.", "Wait until the job has completed."
    ),
    "jobid has no seed": Remedy("The job has no picture of its own.", "Name a job with a picture."),
    ("Configuration not found", 404): Remedy(
        "The caller has no Discord account.", "Set an account up."
    ),
    "The path contains a control character": Remedy(
        "The path has a character that cannot be printed.", "Correct the path."
    ),
    "Required param discord is missing or empty": Remedy("The token is missing.", "Add `discord`."),
    "Required param discord is not valid Discord token": Remedy(
        "The text does not look like a token.", "Copy the token from Discord again."
    ),
    "Required param maxJobs <maxJobs> can't be more that <limit>": Remedy(
        "The number is too large.", _CORRECT
    ),
    "Required param maxJobs <maxJobs> can't be less than 1": Remedy(
        "The number is too small.", _CORRECT
    ),
    "Discord rejected the token; log in to Discord and copy it anew": Remedy(
        "Discord does not know the token.", "Copy the token from Discord again."
    ),
    "Channel <channel> configuration has same discord value": Remedy(
        "The same Discord user is set up already, in the channel that the error names.",
        "Use that channel, or delete its account first.",
    ),
    "Channel <channel> has running jobs of another Discord user; wait for them": Remedy(
        "A new token of another user would take over running jobs.", "Wait until they have ended."
    ),
    "Maximum of <limit> accounts supported; DELETE one that is not needed": Remedy(
        "The caller has as many accounts as allowed.", "Delete an account."
    ),
    "Discord has rejected too many tokens from this user; wait an hour": Remedy(
        "Many wrong tokens look like an attack to Discord.", _WAIT
    ),
    "Discord was asked about <limit> tokens of this user within an hour; wait": Remedy(
        "Many tokens look like an attack to Discord.", _WAIT
    ),
    "The account was reset <limit> times within an hour; look why it is halted again, and wait": (
        Remedy("The account halts again after each reset.", "Find the cause in Discord.")
    ),
    "Midjourney bot not configured": Remedy(
        "The account has no direct messages with the bot.",
        "Write to the bot in Discord once, or set the account up in a server's channel.",
    ),
    "Required param <field> is missing or empty": Remedy(
        "The field is not there.", "Add the field."
    ),
    "Required param <field> (<value>) is not valid Discord <field> id": Remedy(
        "The text is no id of Discord.", "Copy the id from Discord."
    ),
    "Required param channel (<channel>) not matching to "
    "/midjourney/channel (/midjourney/<channel>)": Remedy(
        "Body and path name two channels.", "Name the same channel twice."
    ),
    "Required param maxJobs is missing or empty": Remedy(
        "The number is missing.", "Add `maxJobs`."
    ),
    "Required param channel (<channel>) is not valid Discord channel id": Remedy(
        "The account cannot read this channel.", "Name a channel that the account sees in Discord."
    ),
    "Required param server (<server>) is not valid Discord server id": Remedy(
        "The channel is not in this server.", "Copy both ids from Discord."
    ),
    "Channel <channel> configuration has same server value": Remedy(
        "The caller has an account in another channel of this server.",
        "Use that channel, or delete its account first.",
    ),
    "Not ready": Remedy("The database or the key cannot be used.", "Read `problems`."),
}
"""Error → remedy; with its status where one error has two."""


def remedy_of(sentence: Sentence) -> Remedy:
    """Return the remedy of a sentence. Raises: KeyError: give it a row of REMEDIES."""
    if sentence.status is not None and (sentence.text, sentence.status) in REMEDIES:
        return REMEDIES[sentence.text, sentence.status]
    return REMEDIES[sentence.text]
