"""Finds the action's function in source text or in a zip."""

import ast
import importlib
import io
import os
import stat
import sys
import tempfile
import traceback

ENTRIES_MAX = 50_000
BYTES_MAX = 512 * 1024 * 1024
UNBUILT = 'The action failed to generate or locate a binary. See logs for details.'
UNSTARTED = 'Cannot start action. Check logs for details.'
# The name under which OpenWhisk's runtime imports an action.
MODULE = 'main__'


class Refused(Exception):
    """Why an action cannot be loaded, as the answer says it."""


def load(main, binary, code):
    """The function `main` of the code. Raises Refused; what the developer must know besides has been printed on stderr."""
    folder = tempfile.mkdtemp(prefix='action-')
    source = os.path.join(folder, MODULE + '.py')
    if binary:
        _unpack(code, folder)
        given = os.path.join(folder, '__main__.py')
        if not os.path.exists(given):
            print(f'Zip file does not include {MODULE}', file=sys.stderr)
            raise Refused(UNBUILT)
        os.replace(given, source)
    else:
        with open(source, 'wb') as file:
            file.write(code)
    os.chdir(folder)
    _check(source)
    sys.path.insert(0, folder)
    try:
        _activate(os.path.join(folder, 'virtualenv'))
        return _function(importlib.import_module(MODULE), main)
    except Refused:
        raise
    except SystemExit:
        print('Command exited abruptly during initialization.', file=sys.stderr)
        raise Refused(UNSTARTED) from None
    except BaseException:
        traceback.print_exc()
        raise Refused(UNSTARTED) from None


def _function(module, main):
    found = getattr(module, main, None)
    if callable(found):
        return found
    print(f"ImportError: cannot import name '{main}' from '{MODULE}'", file=sys.stderr)
    raise Refused(UNSTARTED)


def _check(source):
    """Compiles before anything runs, as OpenWhisk's runtime does."""
    try:
        with open(source, 'rb') as file:
            ast.parse(file.read(), MODULE + '.py')
    except (SyntaxError, ValueError):
        traceback.print_exc(limit=0)
        raise Refused(UNBUILT) from None


def _activate(folder):
    """Puts the packages of a `virtualenv` that came in the zip in reach."""
    if not os.path.isdir(folder):
        return
    scripts = [os.path.join(folder, place, 'activate_this.py') for place in ('bin', 'Scripts')]
    script = next((path for path in scripts if os.path.exists(path)), None)
    if script is None:
        print("Invalid virtualenv. Zip file does not include 'activate_this.py'.", file=sys.stderr)
        raise Refused(UNBUILT)
    with open(script, 'rb') as file:
        exec(compile(file.read(), script, 'exec'), {'__file__': script, '__name__': '__main__'})


def _unpack(code, folder):
    # Costs a cold start of source text nothing.
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise ValueError(f'It holds {len(entries)} entries, {ENTRIES_MAX} are allowed')
            if sum(entry.file_size for entry in entries) > BYTES_MAX:
                raise ValueError(f'It unpacks to more than {BYTES_MAX} bytes')
            links = [entry for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
            for entry in entries:
                if entry not in links:
                    _extract(archive, entry, folder)
            # Last, so that no file is written through them.
            for entry in links:
                _link(archive, entry, folder)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Refused(f'There was an error uncompressing the action archive. {error}') from None


def _extract(archive, entry, folder):
    path = archive.extract(entry, folder)
    mode = (entry.external_attr >> 16) & 0o777
    if mode and not entry.is_dir():
        os.chmod(path, mode | 0o600)


def _link(archive, entry, folder):
    path = os.path.realpath(os.path.join(folder, entry.filename))
    if not path.startswith(folder + os.sep):
        raise ValueError(f'The link {entry.filename!r} leads out of the archive')
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(archive.read(entry).decode(), path)
