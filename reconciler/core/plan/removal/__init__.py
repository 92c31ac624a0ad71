"""How objects go away: what is known of them, who is to go, in which order, and how much at once."""
