"""Dataset and adapter as repositories of the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from stages.core.command import InputError

REPO = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)


def check_repo(repo: str) -> str:
    """`repo` if it is ORG/NAME. Raises InputError."""
    if not REPO.fullmatch(repo):
        raise InputError(f"--repo {repo!r:.100}: expected ORG/NAME, such as my-team/calls")
    return repo


def token() -> str:
    """The token of HF_TOKEN, or of `hf auth login`. Raises InputError without one."""
    from huggingface_hub import get_token

    if value := get_token():
        return value
    raise InputError(
        "no token for the Hugging Face hub: put one that may write into HF_TOKEN, or run "
        "`hf auth login`"
    )


def push(repo: str, kind: str, uploads: dict[str, Path | bytes], public: bool) -> str:
    """Write files into the repository `repo`, in one commit, and return its address.

    kind: dataset or model. uploads: the files by their paths there. It is made where it is missing,
    private unless `public`. Raises InputError without a token, for a public repository that is not
    said to be one, and for what the hub refuses.
    """
    from httpx import HTTPError
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    api = HfApi(token=token())
    try:
        url = api.create_repo(repo, repo_type=kind, private=not public, exist_ok=True)
        if not public and not api.repo_info(repo, repo_type=kind).private:
            raise InputError(
                f"{url} is public: name another repository, or add --public to write there"
            )
        operations = [
            CommitOperationAdd(path, file if isinstance(file, bytes) else str(file))
            for path, file in uploads.items()
        ]
        api.create_commit(repo, operations, repo_type=kind, commit_message="Export of RouteNator")
    except OfflineModeIsEnabled:
        raise InputError("HF_HUB_OFFLINE is set: unset it to write to the hub") from None
    except (HfHubHTTPError, HFValidationError, HTTPError, ValueError, OSError) as error:
        message = " ".join(str(error).split())
        raise InputError(f"{repo} ({kind}): the hub did not take it: {message:.400}") from None
    return str(url)
