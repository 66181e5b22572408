"""Parts of the runtime, in a package of their own so that no module of an action can be taken for one of them."""
