"""SENTENCES and NAMES: Discord in the account's language, one row per code and per name.

Discord answers an account in its language; numbers and codes stay. No wording but the English was
captured: all others are ours. Source: wire notes 1.3 (`name_default`), R51.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from waystation.simulator.discord.refusals import JSON, Effect
from waystation.simulator.options import ENGLISH
from waystation.simulator.payload import Payload, decode, encode

__all__ = ["LOCALES", "NAMES", "SENTENCES", "default_name", "in_language", "name_in"]

_LANGUAGES = ("de", "fr", "zh-CN")
LOCALES = (ENGLISH, *_LANGUAGES)

_LIMITED = "429"
"""A 429 has no code; its status stands in."""

SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "10002": ("Unbekannte Anwendung", "Application inconnue", "未知的应用程序"),
    "10003": ("Unbekannter Kanal", "Salon inconnu", "未知的频道"),
    "10004": ("Unbekannter Server", "Serveur inconnu", "未知的服务器"),
    "10007": ("Unbekanntes Mitglied", "Membre inconnu", "未知的成员"),
    "10008": ("Unbekannte Nachricht", "Message inconnu", "未知的消息"),
    "10013": ("Unbekannter Nutzer", "Utilisateur inconnu", "未知的用户"),
    "10015": ("Unbekannter Webhook", "Webhook inconnu", "未知的 Webhook"),
    "10062": ("Unbekannte Interaktion", "Interaction inconnue", "未知的交互"),
    "10063": ("Unbekannter Befehl", "Commande inconnue", "未知的应用命令"),
    "20001": ("Bots dürfen das nicht", "Interdit aux robots", "机器人不能使用此接口"),
    "20002": ("Das dürfen nur Bots", "Réservé aux robots", "只有机器人可以使用此接口"),
    "20012": ("Dazu bist du nicht berechtigt", "Vous n'y êtes pas autorisé", "你无权执行此操作"),
    "40002": (
        "Du musst dein Konto bestätigen, um das zu tun.",
        "Vous devez vérifier votre compte pour faire cela.",
        "你需要先验证账号才能执行此操作。",
    ),
    "40005": ("Die Anfrage ist zu groß", "La requête est trop grande", "请求实体过大"),
    "50001": ("Zugriff fehlt", "Accès manquant", "缺少访问权限"),
    "50005": (
        "Nachrichten anderer kann man nicht ändern",
        "Impossible de modifier le message d'un autre",
        "无法编辑其他用户的消息",
    ),
    "50006": ("Die Nachricht ist leer", "Le message est vide", "不能发送空消息"),
    "50013": ("Berechtigungen fehlen", "Permissions manquantes", "缺少权限"),
    "50035": ("Ungültige Eingaben", "Formulaire invalide", "表单内容无效"),
    "50109": (
        "Der Inhalt ist kein gültiges JSON.",
        "Le JSON est invalide.",
        "请求内容不是有效的 JSON。",
    ),
    _LIMITED: (
        "Du stellst zu viele Anfragen.",
        "Vous envoyez trop de requêtes.",
        "你的请求过于频繁。",
    ),
    # what is wrong with one field of a form
    "BASE_TYPE_BAD_LENGTH": ("Falsche Länge.", "Longueur incorrecte.", "长度不正确。"),
    "BASE_TYPE_CHOICES": ("Kein erlaubter Wert.", "Valeur non permise.", "值不在允许范围内。"),
    "BASE_TYPE_MAX_LENGTH": ("Zu lang.", "Trop long.", "内容过长。"),
    "BASE_TYPE_REQUIRED": ("Das ist ein Pflichtfeld", "Ce champ est requis", "此字段为必填项"),
    "COMPONENT_VALIDATION_FAILED": (
        "Die Komponente ist ungültig",
        "Le composant n'est pas valide",
        "组件验证失败",
    ),
    "DICT_TYPE_CONVERT": ("Das muss ein Objekt sein", "Il faut un objet", "必须是对象"),
    "INTERACTION_APPLICATION_COMMAND_INVALID_VERSION": (
        "Dieser Befehl ist veraltet, bitte versuche es in ein paar Minuten noch einmal",
        "Cette commande n'est plus à jour, réessayez dans quelques minutes",
        "此命令已过期，请稍后再试",
    ),
    "INVALID_SESSION": ("Unbekannte Sitzung.", "Session inconnue.", "未知的会话。"),
    "NONCE_TYPE_INVALID_TYPE": ("Kein gültiger Wert.", "Valeur incorrecte.", "值无效。"),
    "NUMBER_TYPE_COERCE": ("Das ist keine Zahl.", "Ce n'est pas un nombre.", "不是数字。"),
    "NUMBER_TYPE_MAX": ("Die Zahl ist zu groß.", "Le nombre est trop grand.", "数字过大。"),
    "REPLIES_UNKNOWN_MESSAGE": (
        "Auf diese Nachricht kann man nicht antworten",
        "Impossible de répondre à ce message",
        "无法回复此消息",
    ),
    "UPLOADED_FILE_NOT_FOUND": (
        "Die Datei wurde nicht hochgeladen.",
        "Le fichier n'a pas été envoyé.",
        "文件尚未上传。",
    ),
}
"""Code → what it says in German, French and Chinese. Code 0 is the name of an HTTP status, which
is English everywhere."""

NAMES: Mapping[str, tuple[str, str, str]] = {
    "imagine": ("vorstellen", "imaginer", "想象"),
    "blend": ("mischen", "mélanger", "混合"),
    "describe": ("beschreiben", "décrire", "描述"),
    "shorten": ("kürzen", "raccourcir", "缩短"),
    "show": ("zeigen", "montrer", "显示"),
    "info": ("über-mich", "à-propos", "信息"),
    "stealth": ("heimlich", "discret", "隐身"),
    "public": ("öffentlich", "publique", "公开"),
    "fast": ("schnell", "rapide", "快速"),
    "relax": ("gemütlich", "tranquille", "放松"),
    "turbo": ("rasend", "éclair", "涡轮"),
    "settings": ("einstellungen", "paramètres", "设置"),
    "prefer": ("bevorzugen", "préférer", "偏好"),
    "remix": ("neu-mischen", "remixer", "重混"),
    "variability": ("streuung", "variabilité", "变化"),
    "Cancel Job": ("Auftrag abbrechen", "Annuler le travail", "取消任务"),
    "prompt": ("beschreibung", "invite", "提示词"),
    "image": ("bild", "image-seule", "图片"),
    "link": ("adresse", "lien", "链接"),
    "dimensions": ("format", "forme", "尺寸"),
}
"""Name of a command or an option → what the index calls it in German, French and Chinese. Names
without a row stay English."""

_DEFAULTS = {local: name for name, row in NAMES.items() for local in row}


def name_in(locale: str, name: str) -> Payload:
    """Return the fields that name a command or an option: a localised name brings its default."""
    if locale == ENGLISH or name not in NAMES:
        return {"name": name}
    return {"name": NAMES[name][_LANGUAGES.index(locale)], "name_default": name}


def default_name(name: object) -> object:
    """Return what a command or an option is called in English, whatever language named it."""
    return _DEFAULTS.get(name, name) if isinstance(name, str) else name


def in_language(effect: Effect, locale: str) -> Effect:
    """Return an answer with its sentences in an account's language; codes stay."""
    if locale == ENGLISH or effect.content_type != JSON or not effect.body:
        return effect
    told = _told(decode(effect.body), _LANGUAGES.index(locale), str(effect.status))
    return replace(effect, body=encode(told))


def _told(value: object, language: int, code: str) -> object:
    """Return a part of a body with each `message` as the `code` beside it wants."""
    if isinstance(value, list):
        return [_told(one, language, code) for one in value]
    if not isinstance(value, dict):
        return value
    row = SENTENCES.get(str(value.get("code", code)))
    words = {"message": row[language]} if row and "message" in value else {}
    return {key: _told(one, language, "") for key, one in value.items()} | words
