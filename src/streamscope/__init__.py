"""What does streaming change about this answer, from this model, for the person who waits?"""

__version__ = "0.1.0"
