"""A conversation from the command line: the messages of a file, then the prompt.

The file is JSON or YAML: a list of `{role, content}`, where `content` is text or a list of parts
(`{type: text, text: …}`, `{type: image_url, image_url: {url: …}}`), as people know it from OpenAI's API.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

import yaml

from llm_router.errors import RequestError
from llm_router.keywords import media_of_url
from llm_router.messages import ChatRequest, Message, Part, Role, Text, ToolResult, user

ROLES: dict[str, Role] = {role: role for role in get_args(Role)}


def conversation(options: argparse.Namespace) -> ChatRequest:
    """The request: the messages of the file, then the prompt as the user's. Raises RequestError."""
    said = read_messages(options.messages) if options.messages else ()
    if options.prompt is not None:
        text = sys.stdin.read() if options.prompt == "-" else options.prompt
        said = (*said, user(text))
    if not said:
        raise RequestError("there is nothing to ask", help="give a PROMPT, - for standard input, or --messages FILE")
    return ChatRequest(said)


def read_messages(path: str) -> tuple[Message, ...]:
    """The messages of a file. Raises RequestError with the place of what can't be read."""
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} can't be read: {error}", help="write JSON or YAML") from error
    if not isinstance(content, list):
        raise RequestError(f"{path} holds no list of messages", help='write `[{"role": "user", "content": "…"}]`')
    return tuple(read_message(message, f"{path}: message {place + 1}") for place, message in enumerate(content))


def read_message(message: object, where: str) -> Message:
    """One message. `where` names it in errors."""
    if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
        raise RequestError(f"{where} has no `role` and `content`")
    role = ROLES.get(message["role"])
    if role is None:
        raise RequestError(f"{where} has the role `{message['role']}`", help=f"roles are {', '.join(ROLES)}")
    parts = read_parts(message["content"], where)
    if role != "tool":
        return Message(role, parts)
    texts = tuple(part for part in parts if isinstance(part, Text))
    return Message("tool", (ToolResult(str(message.get("tool_call_id", "")), texts),))


def read_parts(content: object, where: str) -> tuple[Part, ...]:
    """The parts of a message's content."""
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise RequestError(f"the content of {where} is neither text nor a list of parts")
    return tuple(read_part(part, where) for part in content)


def read_part(part: object, where: str) -> Part:
    """One part: text, or an image by its URL."""
    match part:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case {"type": "image_url", "image_url": {"url": str(url)}} | {"type": "image_url", "image_url": str(url)}:
            return media_of_url("image", url)
        case _:
            raise RequestError(
                f"a part of {where} can't be read",
                help="write {type: text, text: …} or {type: image_url, image_url: {url: …}}",
            )
