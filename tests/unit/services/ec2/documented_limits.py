"""
The figures of the ECS developer guide (June 2023) for every type in its list of those that can have a trunk.

Per family: size=network interfaces/tasks without a trunk/tasks with one.  The first is from EC2, and empty
for two types whose interfaces EC2 does not tell.
"""

DOCUMENTED_LIMITS = """
a1: medium=2/1/10 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60
c5: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 9xlarge=8/7/60 12xlarge=8/7/60 18xlarge=15/14/120 24xlarge=15/14/120
c5a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
c5ad: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
c5d: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 9xlarge=8/7/60 12xlarge=8/7/60 18xlarge=15/14/120 24xlarge=15/14/120
c6a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 48xlarge=15/14/120 metal=15/14/120
c6g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
c6gd: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
c6gn: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120
c6i: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
c6id: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
c6in: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=16/13/120 metal=16/13/120
c7g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
dl1: 24xlarge=60/59/120
g4ad: xlarge=2/1/12 2xlarge=2/1/12 4xlarge=3/2/12 8xlarge=4/3/12 16xlarge=8/7/12
g5: xlarge=4/3/6 2xlarge=4/3/19 4xlarge=8/7/40 8xlarge=8/7/90 12xlarge=15/14/120 16xlarge=8/7/120 24xlarge=15/14/120 48xlarge=7/6/120
g5g: xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
hpc6a: 48xlarge=2/1/120
hpc6id: 32xlarge=2/1/120
i4i: large=3/2/-2 xlarge=4/3/8 2xlarge=4/3/28 4xlarge=8/7/58 8xlarge=8/7/118 16xlarge=15/14/248 32xlarge=15/14/498 metal=15/14/498
im4gn: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 16xlarge=15/14/120
inf2: xlarge=4/3/20 8xlarge=8/7/90 24xlarge=15/14/120 48xlarge=15/14/120
is4gen: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60
m5: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
m5a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
m5ad: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
m5d: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120 metal=15/14/120
m5n: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120
m5zn: large=3/2/14 xlarge=4/3/31 2xlarge=4/3/64 3xlarge=8/7/98 6xlarge=8/7/120
m6a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 48xlarge=15/14/120 metal=15/14/120
m6g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
m6gd: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
m6i: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
m6id: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
m6idn: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=16/13/120 metal=16/13/120
m6in: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=16/13/120 metal=16/13/120
m7g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
mac2: metal=8/7/12
p3: 2xlarge=4/3/40 8xlarge=8/7/60 16xlarge=8/7/120
p4d: 24xlarge=60/59/120
p4de: 24xlarge=60/59/120
r5: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
r5a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
r5ad: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
r5b: 16xlarge=15/14/120
r5d: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 24xlarge=15/14/120
r5dn: 16xlarge=15/14/120
r6a: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 48xlarge=15/14/120 metal=15/14/120
r6g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
r6gd: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
r6i: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
r6id: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
r6idn: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=16/13/120 metal=16/13/120
r6in: large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/90 12xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=16/13/120 metal=16/13/120
r7g: medium=2/1/4 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
trn1: 2xlarge=4/3/19 32xlarge=40/39/120
trn1n: 32xlarge=80/79/242
u-18tb1: metal=/14/12
u-24tb1: metal=/14/12
u-3tb1: 56xlarge=8/7/12
u-6tb1: 56xlarge=15/14/12
vt1: 3xlarge=4/3/40 6xlarge=8/7/60 24xlarge=15/14/120
x2gd: medium=2/1/10 large=3/2/10 xlarge=4/3/20 2xlarge=4/3/40 4xlarge=8/7/60 8xlarge=8/7/60 12xlarge=8/7/60 16xlarge=15/14/120 metal=15/14/120
x2idn: 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
x2iedn: xlarge=4/3/13 2xlarge=4/3/29 4xlarge=8/7/60 8xlarge=8/7/120 16xlarge=15/14/120 24xlarge=15/14/120 32xlarge=15/14/120 metal=15/14/120
x2iezn: 2xlarge=4/3/64 4xlarge=8/7/120 6xlarge=8/7/120 8xlarge=8/7/120 12xlarge=15/14/120 metal=15/14/120
"""
