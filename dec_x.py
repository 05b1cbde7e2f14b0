import sys, time, json, asyncio
sys.path.insert(0,'/tmp/retr/wt2')
import numpy as np
from random import Random
from benchmarks.speed.decide import items as mk
from micromoments.core.decision import Request
from micromoments.core.settings import Settings
from micromoments.core.item import Item
from micromoments.flow.view import View, config_digest
from micromoments.flow import decide as D
from micromoments.policy import make
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog
from tests.flow.world import World, event, T0
from micromoments.sources.items import *
import msgspec
c=Catalog()
its={}
for line in mk(10_000).split(b"\n"):
    i=msgspec.json.decode(line,type=Item) if b'"price"' not in line or True else None
    its[i.id]=i
c.apply(its); c.settle()
s=Settings(consent=("personalise",)); rec=Recogniser(s)
v=View(s,config_digest(s),rec,c,{"default":make("popular"),"home:adaptive":make("adaptive")})
r=Random(2)
class P(dict):
    def __missing__(self,k): self[k]=make(k.split(":")[1]); return self[k]
v=View(s,config_digest(s),rec,c,P(default=make("popular")))
from micromoments.flow.learn import observe
w=World(v)
prods=[i for i in its.values() if i.kind=="product"]
people=[]
for p in range(600):
    for k in range(4):
        it=prods[int(r.paretovariate(.8))%len(prods)]
        e=event(p*10+k,anon=f"p{p}",name="Product Viewed",properties={"product_id":it.id},occurred=T0+p*1000+k*100)
        from msgspec.structs import replace
        e=replace(e,facets=c.facets([it.id]))
        w.fold([e]); observe(c,w.people[f"anon:p{p}"],e)
now=T0+600_000
def run():
    out=[]
    for p in range(600):
        per=w.people[f"anon:p{p}"]
        req=Request(id=f"d{p}",slot="home",at=now,key=per.id,context={},items=(),linked=True) if True else None
        t=time.thread_time_ns(); d,_=D.decide(per,req,v,D.seed_of(f"d{p}"),{}); out.append((time.thread_time_ns()-t)/1e3)
    return np.round(np.quantile(out,[.1,.5,.99]),1)
import numpy as _n; rs=[run() for _ in range(5)]; print(_n.min(rs,0))
