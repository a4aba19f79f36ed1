"""A picture and one of its faces in; what the guess rests on and how steady it is out."""
