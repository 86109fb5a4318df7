import asyncio, json, time, os
import apsw
import pytest
from waystation.simulator.faults import FAULTS
from tests.e2e.conftest import *

OUT=open('/tmp/team/x/out.txt','a')
@pytest.mark.parametrize('verb',['describe','info'])
@pytest.mark.parametrize('name',list(FAULTS))
async def test_x(install,name,verb):
    t0=time.time()
    async with install(first_answer_s=1.0,job_timeout_s=2.0,vanish_grace_s=0.3,request_timeout_s=0.7,blind_grace_s=1.0) as here:
        ada=await here.person()
        await here.equip(ada)
        here.sim.fault(name,count=1)
        body={'replyUrl':here.outside.url+'/callback','replyRef':'r'}
        if verb=='describe': body['describeUrl']=here.photo()
        t1=time.time()
        try:
            async with asyncio.timeout(12):
                status,ans,headers=await ada.call('POST','/v2/jobs/'+verb,body)
        except TimeoutError:
            status,ans,headers='TIMEOUT',None,{}
        t2=time.time()
        db=apsw.Connection(str(here.settings.database_path),flags=apsw.SQLITE_OPEN_READONLY)
        jid=[r[0] for r in db.execute('select jobid from jobs')]
        final=None
        if jid:
            try:
                async with asyncio.timeout(6):
                    final=await ada.final(jid[0])
            except TimeoutError: final='NOTFINAL '+json.dumps(await ada.job(jid[0]))
        await here.sim.settled()
        await asyncio.sleep(0.2)
        row=list(db.execute('select status,slot,ghost,late is not null,code from jobs'))
        acc=(await ada.call('GET','/v2/account/midjourney/'+here.sim.accounts[0].channel_id))[1]
        mails=list(db.execute('select body from mails'))
        unrec=list(db.execute('select count(*) from unrecognised'))
        ev=[(n,k) for n,k in db.execute('select number,kind from job_events order by jobid,number')]
        posts=[e for e in here.sim.log if e['kind']=='request' and e['path'].endswith('/interactions')]
        def short(b):
            if isinstance(b,dict):
                b=dict(b); b.pop('embeds',None) if False else None
                if b.get('embeds'): b['embeds']=[{k:str(v)[:40] for k,v in e.items()} for e in b['embeds']]
                for k in ('created','updated','discord','channel','describeUrl','replyUrl','replyRef','maxJobs','verb','jobid','timestamp'): b.pop(k,None)
            return json.dumps(b,ensure_ascii=False)
        OUT.write(f'''== {name} {verb} setup={t1-t0:.2f} post={t2-t1:.2f} total={time.time()-t0:.2f}
 POST {status} {short(ans)} RA={headers.get('Retry-After')} hasid={'jobid' in (ans or {})}
 GET {short(final)}
 row {row} halt={acc.get('pendingModMessage')!r} mails={len(mails)} unrec={unrec} cb={len(here.outside.callbacks)} eq={[c[1]==final for c in here.outside.callbacks]}
 ev {ev} posts={[(p['status']) for p in posts]} book={[(b['status'],b['by_hand']) for b in here.sim.book]}
'''); OUT.flush()
