"""How often the keeper commits."""

from micromoments.engine.keeper import COMMIT_EVERY, COMMIT_LATEST, pause


def test_commits_take_a_small_share_of_the_time() -> None:
    """Quick commits come every second; slow ones so seldom that they take a twentieth of the time, up to a limit."""
    assert pause(0.0, sending=False) == pause(0.01, sending=False) == COMMIT_EVERY
    assert pause(0.2, sending=False) == 4.0
    assert pause(3.0, sending=False) == COMMIT_LATEST


def test_messages_do_not_wait_for_a_later_commit() -> None:
    """What is to be sent goes out with a commit, so that it comes after a second however long commits take."""
    assert pause(3.0, sending=True) == COMMIT_EVERY
