"""The operations of the API with which systems see and do, with a key, what staff see and do in the
console."""
