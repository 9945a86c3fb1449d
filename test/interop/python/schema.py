import json,sys
def sh(x,n=70):
    if isinstance(x,str):
        return repr(x if len(x)<=n else x[:n]+f'…({len(x)})')
    return json.dumps(x)
def show(x,ind,depth):
    if isinstance(x,dict):
        for k,v in x.items():
            if isinstance(v,(dict,list)):
                print(' '*ind+k+(f' [{len(v)}]' if isinstance(v,list) else ' {}'))
                show(v,ind+2,depth)
            else: print(' '*ind+k+': '+sh(v))
    elif isinstance(x,list):
        for v in x[:depth]:
            if isinstance(v,(dict,list)): show(v,ind+2,depth); print(' '*ind+'--')
            else: print(' '*ind+sh(v))
f=sys.argv[1]; d=json.load(open(f))
for k,v in d.items():
    if isinstance(v,list): print(f'# {k} [{len(v)}]'); show(v,2,1)
    elif isinstance(v,dict): print(f'# {k}'); show(v,2,2)
    else: print(f'# {k}: {sh(v,200)}')
