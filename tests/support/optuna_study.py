# SPDX-License-Identifier: MIT
"""A study as Optuna reads it, for integration tests."""


def load_study(out):
    """None, said on screen, where Optuna is not installed."""
    try:
        import optuna
    except ImportError:
        print("Optuna: SKIPPED, python3-optuna is not installed")
        return None
    import warnings
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.JournalStorage(optuna.storages.JournalFileStorage(str(out / "journal.log")))
    return optuna.load_study(study_name="llmnas", storage=storage)
