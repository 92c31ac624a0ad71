"""What `destroy` says when it is refused: in its own words, and of options that it has."""

from __future__ import annotations

from pathlib import Path

from console_script import open_scene


def test_a_refused_destroy_names_no_option_that_it_lacks(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        assert scene.run("apply", "--yes", "--address", "galtea.*").code == 0
        refused = scene.run("destroy", "galtea.*", "--yes")
        assert refused.code == 4, refused
        assert "Plan to destroy in sandbox: " in refused.out
        assert "or name fewer" in refused.out
        assert "nothing was deleted: " in refused.err
        assert "name only the others" in refused.err
        assert "--address" not in refused.everything
        session = "goldmine.Session/eu-static-2"
        assert scene.run("destroy", session, "--yes").code == 0
        missing = scene.run("destroy", session, "--yes")
        assert missing.code == 0, missing
        assert "Plan to destroy in sandbox: nothing to delete." in missing.out
        assert f"note: not-there: {session} is not there" in missing.out
        assert "prune" not in missing.everything
        asked = scene.run("destroy", "galtea.Monitor/production-quality")
        assert asked.code == 3, asked
        assert "destroy needs consent" in asked.err
