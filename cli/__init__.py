"""The commands of `./rollcall`: composition only, each module registers its own commands."""
