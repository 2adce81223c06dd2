"""What an operator watches: attacks and other things to look at, how recognition does, and jobs."""
